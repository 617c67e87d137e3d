"""Names in certificates as RFC 4514 writes them, and when two are the same (RFC 5280 section 7.1)."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from service.protocol.distinguished_names import name_of, parse_dn

BANK = r"CN=billing\, north,OU=Payments+O=Bank,C=DE"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(r"cn=BILLING\, NORTH,o=bank+ou=PAYMENTS,c=de", id="case, and no order within a part"),
        pytest.param(r"CN =  billing\,   north , OU=Payments + O = Bank ,C=DE ", id="spaces"),
        pytest.param(r"CN=billing\2C north;OU=Payments+O=Bank;C=DE", id="hexadecimal escape, semicolons (RFC 1779)"),
        pytest.param('CN="billing, north",OU=Payments+O=Bank,C=DE', id="quotes (RFC 2253)"),
        pytest.param(r"2.5.4.3=billing\, north,OID.2.5.4.11=Payments+2.5.4.10=Bank,2.5.4.6=DE", id="OIDs"),
        pytest.param(
            r"CN=#130e62696c6c696e672c206e6f727468,OU=Payments+O=#0c0442616e6b,C=DE", id="PrintableString, UTF8String"
        ),
        pytest.param(r"CN=billing\, north,OU=Payments+O=#1e0800420061006e006b,C=DE", id="BMPString"),
        pytest.param(
            "CN=bil\u00adling\\,\u00a0north,OU=Ｐayments+O=Bank,C=DE", id="soft hyphen, no-break space, wide letter"
        ),
    ],
)
def test_the_same_name(other: str) -> None:
    assert parse_dn(other) == parse_dn(BANK)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(r"C=DE,OU=Payments+O=Bank,CN=billing\, north", id="order"),
        pytest.param(r"CN=billing\, north,OU=Payments,O=Bank,C=DE", id="two parts for one"),
        pytest.param(r"CN=billing,north=x,OU=Payments+O=Bank,C=DE".replace("north", "L"), id="a comma that separates"),
        pytest.param(r"CN=billing\, north\,OU\=Payments+O=Bank,C=DE", id="escaped separators"),
        pytest.param(r"CN=billing\, north,OU=Payments+O=Bank", id="a part less"),
        pytest.param(r"CN=billing\, north,OU=Payments+O=Bank,C=DE,DC=x", id="a part more"),
        pytest.param(r"CN=billing\, north,OU=Payments+O=Bank+O=Bank,C=DE", id="an attribute twice"),
        pytest.param(r"CN=billing\,north,OU=Payments+O=Bank,C=DE", id="no space for one"),
        pytest.param(r"CN=billing\, nоrth,OU=Payments+O=Bank,C=DE", id="a Cyrillic letter"),
        pytest.param(r"CN=\2A,OU=Payments+O=Bank,C=DE", id="a star is a star"),
        pytest.param(r"E=billing\, north,OU=Payments+O=Bank,C=DE", id="another attribute"),
    ],
)
def test_another_name(other: str) -> None:
    assert parse_dn(other) != parse_dn(BANK)


NOT = (
    *("", " ", "billing", "CN", "CN=", "CN= ", "=x", "CN=x,", ",CN=x", "CN=x++O=y", "CN=x\\", "CN=\\zz"),
    *('CN="x', 'CN="x"y', 'CN=x"y"', "COLOUR=red", "1=x", "CN=a\\C3", "CN=#", "CN=#zz", "CN=#1302", "CN=#130561"),
    *("CN=#0101ff", "CN=#0c02c328", "CN=" + "x" * 1024),
)


@pytest.mark.parametrize("text", NOT)
def test_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_dn(text)


_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)


@given(st.lists(st.lists(_TEXT, min_size=1, max_size=2), min_size=1, max_size=3))
def test_what_another_library_writes_is_read_as_it_was_meant(parts: list[list[str]]) -> None:
    oids = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    made = [[(oid, text) for oid, text in zip(oids, texts, strict=False)] for texts in parts]
    written = x509.Name(
        [x509.RelativeDistinguishedName([x509.NameAttribute(*one) for one in part]) for part in made]
    ).rfc4514_string()
    expected = tuple(name_of((oid.dotted_string, text) for oid, text in part) for part in made)
    if all(value for part in expected for _, value in part):
        assert parse_dn(written) == expected
