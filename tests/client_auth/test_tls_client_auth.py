"""tls_client_auth (RFC 8705 section 2.1): a certificate of a trusted authority about the registered name, and the attacks."""

from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.admin import clients
from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.protocol.names import ClientAuthMethod
from tests.certificates import (
    BILLING,
    COUNTRY,
    DAY,
    NAME,
    ORGANIZATION,
    PROXIED,
    UNIT,
    Authority,
    Shown,
    alternative,
    ask,
    ask_token,
    self_signed,
)
from tests.world import CALLBACK, SECRET, World, error_of

OURS, OTHERS = Authority("Ours"), Authority("Ours")
BETWEEN = Authority("Between", above=OURS)
GOOD = OURS.issue()
SUBJECT = {"tls_client_auth_subject_dn": "CN=billing,O=Bank,C=DE"}


@pytest.fixture
async def bank(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """It trusts one authority, and has a client that authenticates by a certificate of it."""
    async with world.having(client_ca_file=OURS.file(tmp_path), **PROXIED) as there:
        await _client(there, **SUBJECT)
        yield there


async def _client(world: World, **named: Any) -> None:
    await world.client(auth_method=ClientAuthMethod.TLS_CLIENT_AUTH, secrets=(), introspect=True, **named)


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
async def test_it_works_wherever_clients_authenticate(bank: World, path: str) -> None:
    answered = await ask(bank, path, GOOD, client_id="app", grant_type="client_credentials", token="x")
    assert answered.status == 200, await answered.text()
    refused = await ask(bank, path, client_id="app", grant_type="client_credentials", token="x")
    assert await error_of(refused) == (401, "invalid_client")


async def test_a_request_is_pushed_with_it(bank: World) -> None:
    form = {"client_id": "app", "response_type": "code", "redirect_uri": CALLBACK, "scope": "read"}
    assert (await ask(bank, "/par", GOOD, None, **form)).status == 201
    for shown in (None, OTHERS.issue()):
        assert await error_of(await ask(bank, "/par", shown, None, **form)) == (401, "invalid_client")


async def test_discovery_names_it(bank: World) -> None:
    document = await (await bank.http.get("/.well-known/oauth-authorization-server")).json()
    for endpoint in ("token", "introspection", "revocation"):
        methods = document[f"{endpoint}_endpoint_auth_methods_supported"]
        assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    async with bank.having() as without:
        document = await (await without.http.get("/.well-known/oauth-authorization-server")).json()
        assert not [one for one in document["token_endpoint_auth_methods_supported"] if "tls" in one]
        assert "tls_client_certificate_bound_access_tokens" not in document


async def test_the_certificates_between_come_with_it(bank: World) -> None:
    assert (await ask_token(bank, BETWEEN.issue(chain=(BETWEEN.certificate,)))).status == 200
    assert await error_of(await ask_token(bank, BETWEEN.issue())) == (401, "invalid_client")


BAD = {
    "none": None,
    "self-signed, of the same name": self_signed(),
    "of another authority, which is called the same": OTHERS.issue(),
    "with that authority": OTHERS.issue(chain=(OTHERS.certificate,)),
    "expired": OURS.issue(begins=-2 * DAY, ends=-DAY),
    "not valid yet": OURS.issue(begins=DAY, ends=2 * DAY),
    "for servers": OURS.issue(usage=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "another name": OURS.issue((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (NAME, "billing2")),
    "a part more": OURS.issue(*BILLING, (UNIT, "x")),
    "a part less": OURS.issue(*BILLING[1:]),
    "another order": OURS.issue(*reversed(BILLING)),
    "parts side by side": OURS.issue((COUNTRY, "DE"), ((ORGANIZATION, "Bank"), (NAME, "billing"))),
    "the whole name in one attribute": OURS.issue((NAME, "billing,O=Bank,C=DE")),
    "escapes in it": OURS.issue((COUNTRY, "DE"), (NAME, "billing\\,O=Bank")),
    "a wildcard": OURS.issue((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (NAME, "*")),
    "a NUL in the name": OURS.issue((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (NAME, "billing\0.evil.example")),
    "a letter that only looks like it": OURS.issue((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (NAME, "bіlling")),
    "the name as another attribute": OURS.issue((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (UNIT, "billing")),
    "the name as an alternative one": OURS.issue((NAME, "x"), names=(alternative("dns", "billing"),)),
}


@pytest.mark.parametrize("shown", [pytest.param(shown, id=name) for name, shown in BAD.items()])
async def test_another_certificate(bank: World, shown: Shown | None) -> None:
    assert await error_of(await ask_token(bank, shown)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "registered",
    [
        "CN=billing,O=Bank,C=DE",
        "cn=BILLING, o=bank, c=de",
        "2.5.4.3=#0c0762696c6c696e67,O=Bank,C=DE",
        'CN="billing";O=Bank;C=DE',
    ],
)
async def test_spellings_of_the_registered_name(bank: World, registered: str) -> None:
    await _client(bank, tls_client_auth_subject_dn=registered)
    assert (await ask_token(bank, GOOD)).status == 200


COMMAS = OURS.issue((ORGANIZATION, "Bank, Inc. + Sons"), ((UNIT, "A"), (NAME, "a=b")))


@pytest.mark.parametrize(
    ("registered", "status"),
    [
        (r"OU=A+CN=a\=b,O=Bank\, Inc. \+ Sons", 200),
        (r"CN=a=b+OU=a,O=bank\2c inc. \2B sons", 200),
        (r"OU=A+CN=a\=b,O=Bank\, Inc.+O=Sons", 401),
        (r"OU=A,CN=a\=b,O=Bank\, Inc. \+ Sons", 401),
    ],
)
async def test_escapes_and_parts_of_several_attributes(bank: World, registered: str, status: int) -> None:
    await _client(bank, tls_client_auth_subject_dn=registered)
    assert (await ask_token(bank, COMMAS)).status == status


@pytest.mark.parametrize(
    ("member", "registered", "kind", "good", "bad"),
    [
        (
            "dns",
            "api.bank.example",
            "dns",
            "API.bank.example",
            ["*.bank.example", "bank.example", "x.api.bank.example"],
        ),
        (
            "uri",
            "spiffe://bank/billing",
            "uri",
            "spiffe://bank/billing",
            ["spiffe://bank/Billing", "spiffe://bank/billing/"],
        ),
        ("ip", "2001:db8::7", "ip", ip_address("2001:db8::7"), [ip_address("192.0.2.7"), ip_address("2001:db8::8")]),
        ("email", "Ops@Bank.example", "email", "Ops@bank.example", ["ops@bank.example", "Ops@other.example"]),
    ],
)
async def test_an_alternative_name(
    bank: World, member: str, registered: str, kind: str, good: Any, bad: list[Any]
) -> None:
    given = {
        "client_id": "san",
        "auth_method": "tls_client_auth",
        "grant_types": ["client_credentials"],
        "scopes": ["read"],
    }
    await clients.create_client(bank.issuer, ClientInput.read(given | {f"tls_client_auth_san_{member}": registered}))
    several = (alternative("dns", "first.example"), alternative(kind, good))
    assert (await ask_token(bank, OURS.issue((NAME, "x"), names=several), client_id="san")).status == 200
    for other in bad:
        shown = OURS.issue((NAME, registered), names=(alternative(kind, other),))
        assert await error_of(await ask_token(bank, shown, client_id="san")) == (401, "invalid_client")
    as_host = OURS.issue((NAME, "x"), names=(alternative("uri" if kind == "dns" else "dns", registered),))
    assert (await ask_token(bank, as_host, client_id="san")).status == 401, "the same text as another kind of name"


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": SECRET},
        {"client_secret": ""},
        {"client_id": ""},
        {"client_id": "other"},
    ],
)
async def test_a_certificate_and_something_else(bank: World, form: dict[str, str]) -> None:
    expected = 200 if form == {"client_secret": ""} else 401
    assert (await ask_token(bank, GOOD, **form)).status == expected


async def test_a_certificate_is_no_proof_for_a_client_with_another_method(bank: World) -> None:
    await bank.client("other", tls_client_auth_subject_dn="CN=billing,O=Bank,C=DE")
    assert (await ask_token(bank, GOOD, client_id="other")).status == 401


async def test_without_an_authority_nobody_gets_in(bank: World) -> None:
    """A proxy that lets everything pass (optional_no_ca) must not make a name of anybody's choice a proof."""
    async with bank.having(**PROXIED) as other:
        for shown in (GOOD, self_signed()):
            assert await error_of(await ask_token(other, shown)) == (401, "invalid_client")


async def test_a_header_of_a_stranger_is_not_looked_at(bank: World, tmp_path: Path) -> None:
    settings = PROXIED | {"trusted_proxies": ("192.0.2.0/24",), "client_ca_file": OURS.file(tmp_path)}
    async with bank.having(**settings) as other:
        assert await error_of(await ask_token(other, GOOD)) == (401, "invalid_client")


async def test_a_forged_certificate_is_no_incident(bank: World) -> None:
    for text in (":MIIB:", ":AAAA:", "x", ":" + "A" * 8000 + ":"):
        headers = {"Client-Cert": text}
        status, error = await error_of(
            await ask(bank, "/token", None, headers, client_id="app", grant_type="client_credentials")
        )
        assert (status, error) in ((400, "invalid_request"), (401, "invalid_client"))


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, "tls_client_auth needs what its certificate names"),
        (SUBJECT | {"tls_client_auth_san_dns": "a.example"}, "exactly one of them"),
        ({"tls_client_auth_san_ip": "192.0.2.7", "tls_client_auth_san_email": "a@b.example"}, "exactly one of them"),
        ({"tls_client_auth_subject_dn": "billing"}, "RFC 4514"),
        ({"tls_client_auth_subject_dn": "COLOUR=red"}, "write its OID in dots"),
        ({"tls_client_auth_san_dns": "*.bank.example"}, "without wildcard"),
        ({"tls_client_auth_san_ip": "192.0.2.0/24"}, "tls_client_auth_san_ip"),
        ({"tls_client_auth_san_uri": "bank"}, "absolute URI"),
        ({"tls_client_auth_san_email": "ops"}, "e-mail"),
    ],
)
async def test_what_cannot_be_registered(bank: World, members: dict[str, str], fault: str) -> None:
    given = {"client_id": "new", "auth_method": "tls_client_auth", "grant_types": ["client_credentials"]}
    with pytest.raises(InvalidInput, match=fault):
        await clients.create_client(bank.issuer, ClientInput.read(given | members))
