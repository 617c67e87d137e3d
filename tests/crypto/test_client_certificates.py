"""What a client's certificate says, and when it proves nothing."""

import time
from base64 import b64decode
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from service.crypto.client_certificates import MAX_CERTIFICATE, UnusableCertificateError, names_in, opened, thumbprint
from service.protocol.distinguished_names import parse_dn
from tests.certificates import DAY, NAME, Authority, alternative, self_signed, small_rsa

RFC_8705 = b64decode(
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRs"
    "czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0t"
    "H6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFf"
    "Qj1L+SY="
)
"""The certificate of RFC 8705 appendix A."""
NOW = time.time()
THEN = 1_600_000_000.0


def test_the_thumbprint_of_the_rfc() -> None:
    assert thumbprint(RFC_8705) == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    assert names_in(opened(RFC_8705, THEN)).subject == parse_dn("CN=mtls")


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        pytest.param(RFC_8705, "has expired", id="expired"),
        pytest.param(
            self_signed(begins=-2 * DAY, ends=timedelta(seconds=-1)).der, "has expired", id="expired a second ago"
        ),
        pytest.param(self_signed(begins=timedelta(minutes=5)).der, "not valid yet", id="not valid yet"),
        pytest.param(self_signed(key=small_rsa()).der, "fewer than 2048 bits", id="a weak key"),
        pytest.param(b"", "can be read", id="nothing"),
        pytest.param(b"\x30\x82\x01", "can be read", id="no certificate"),
        pytest.param(RFC_8705[:-1], "can be read", id="cut off"),
        pytest.param(RFC_8705 + b"\0", "can be read", id="something behind it"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff" + RFC_8705, "can be read", id="a length that is a lie"),
        pytest.param(RFC_8705 * 80, f"more than {MAX_CERTIFICATE} bytes", id="too long"),
    ],
)
def test_what_proves_nothing(certificate: bytes, reason: str) -> None:
    with pytest.raises(UnusableCertificateError, match=reason):
        opened(certificate, NOW)


def test_any_bit_that_is_turned_breaks_nothing_but_the_certificate() -> None:
    good = self_signed(names=(alternative("dns", "api.example"),)).der
    for at in range(len(good)):
        for bit in (0x01, 0x80):
            turned = good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :]
            try:
                names_in(opened(turned, NOW))
            except UnusableCertificateError:
                continue


def test_every_kind_of_alternative_name() -> None:
    names = [
        ("dns", "API.Example"),
        ("dns", "*.wild.example"),
        ("uri", "spiffe://Bank/x"),
        ("email", "Ops@Bank.Example"),
    ]
    made = [alternative(kind, text) for kind, text in names]
    made += [alternative("ip", ip_address(text)) for text in ("192.0.2.7", "2001:db8::7")]
    found = names_in(Authority().issue(names=tuple(made)).certificate)
    assert found.dns == {"api.example", "*.wild.example"}
    assert found.uris == {"spiffe://Bank/x"}
    assert found.ips == {"192.0.2.7", "2001:db8::7"}
    assert found.emails == {"Ops@bank.example"}


@pytest.mark.parametrize(
    "kind",
    ["UTF8String", "PrintableString", "BMPString", "UniversalString"],
)
def test_an_encoding_does_not_matter(kind: str) -> None:
    attribute = x509.NameAttribute(NAME, "billing", _type=getattr(x509.name._ASN1Type, kind))
    subject = x509.Name([attribute])
    builder = self_signed((NAME, "billing"))
    certificate = (
        x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=builder.key.public_key(),
            serial_number=7,
            not_valid_before=builder.certificate.not_valid_before_utc,
            not_valid_after=builder.certificate.not_valid_after_utc,
        )
        .sign(builder.key, hashes.SHA256())
    )  # fmt: skip
    assert names_in(certificate).subject == parse_dn("CN=billing")
