"""The certificate that a proxy forwards: believed only where settings and proxy are trusted."""

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from service.endpoints import ENDPOINTS
from service.endpoints.endpoint import MachineEndpoint, always
from service.fronts.client_certificate import certificate_of
from service.issuer import Issuer
from service.protocol.decision import Decision, answer
from service.protocol.errors import InvalidRequest
from service.protocol.forwarded_certificates import FORMS, ClientCertificate
from service.protocol.request import Request
from service.settings import SettingsError, load
from tests.world import FORM, World, error_of

FORWARDED = ":MIIB:"
CERTIFICATE = b"\x30\x82\x01"
TLS: dict[str, Any] = {"tls_certificate_file": "/x", "tls_key_file": "/x", "mtls_port": 1}


def _certificate(*values: str, remote: str = "10.0.0.1", shown: bytes = b"", **settings: Any) -> bytes | None:
    """``shown``: to our own listener."""
    connection = SimpleNamespace(client_certificates=(shown,) if shown else ())
    transport = SimpleNamespace(get_extra_info={"ssl_object": connection}.get)
    headers = CIMultiDict([("Client-Cert", value) for value in values])
    http: Any = SimpleNamespace(headers=headers, remote=remote, transport=transport)
    trusting: dict[str, Any] = {"trusted_proxies": ("10.0.0.0/8",), "forwarded_certificate": "rfc9440"}
    found = certificate_of(http, load(**trusting | settings))
    return found.certificate if found else None


def test_what_a_trusted_proxy_forwards() -> None:
    assert _certificate(FORWARDED) == CERTIFICATE
    assert _certificate() is None


def test_what_nobody_we_know_has_written_is_not_looked_at() -> None:
    assert _certificate(FORWARDED, remote="192.0.2.1") is None
    assert _certificate(FORWARDED, forwarded_certificate="off") is None
    assert _certificate(FORWARDED, trusted_proxies=(), forwarded_certificate="off", **TLS) is None
    assert _certificate("malformed", remote="192.0.2.1") is None


@pytest.mark.parametrize("form", [form for form in FORMS if form != "rfc9440"])
def test_no_other_header_is_guessed_at(form: str) -> None:
    assert _certificate(FORWARDED, forwarded_certificate=form) is None
    assert _certificate(FORWARDED, forwarded_certificate_header="X-Other") is None


def test_at_our_own_listener_a_client_speaks_for_itself() -> None:
    assert _certificate(shown=b"own", remote="192.0.2.1", **TLS) == b"own"
    assert _certificate(FORWARDED, shown=b"own", remote="192.0.2.1", **TLS) == b"own", "a forged header beside it"
    assert _certificate(FORWARDED, remote="192.0.2.1", **TLS) is None


def test_the_certificate_of_a_proxy_is_not_its_clients() -> None:
    assert _certificate(FORWARDED, shown=b"proxy", **TLS) == CERTIFICATE
    assert _certificate(shown=b"proxy", **TLS) is None
    assert _certificate(shown=b"proxy", forwarded_certificate="off", **TLS) is None


@pytest.mark.parametrize(
    "written", [(FORWARDED, FORWARDED), ("MIIB",), (":MIIB",), (":",), ("::",), (":?:",), (":MII:",), (":MIIé:",)]
)
def test_a_malformed_header(written: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        _certificate(*written)


async def test_an_endpoint_sees_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def decide(_issuer: Issuer, request: Request) -> Decision:
        return answer((request.certificate or ClientCertificate(b"none")).certificate)

    monkeypatch.setitem(ENDPOINTS, "badge", MachineEndpoint(name="badge", paths=always("/badge"), handle=decide))
    form = {"Client-Cert": FORWARDED, "Content-Type": FORM}
    for trusted, seen in (("127.0.0.1/32", CERTIFICATE), ("192.0.2.0/24", b"none")):
        async with world.having(trusted_proxies=(trusted,), forwarded_certificate="rfc9440") as other:
            answered = await other.http.post("/badge", data="x=y", headers=form)
            assert await answered.read() == seen
            if seen == CERTIFICATE:
                refused = await other.http.post("/badge", data="x=y", headers=form | {"Client-Cert": "MIIB"})
                assert await error_of(refused) == (400, "invalid_request")
            too_long = await other.http.post("/badge", data="x=y", headers=form | {"Client-Cert": f":{'A' * 20_000}:"})
            assert too_long.status == 431


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"tls_certificate_file": "/x"}, "tls_certificate_file and tls_key_file go together"),
        ({"mtls_port": 8443}, "mtls_port: needs tls_certificate_file"),
        ({"forwarded_certificate": "nginx"}, "forwarded_certificate: needs trusted_proxies"),
        ({"forwarded_certificate": "apache"}, "forwarded_certificate: "),
        ({"forwarded_certificate_header": "X-Cert"}, "forwarded_certificate_header: goes with"),
        ({"forwarded_certificate_header": "X Cert"}, "must be the name of a header"),
        ({"mtls_url": "https://mtls.example"}, "mtls_url: no client can show a certificate"),
        ({"mtls_url": "http://mtls.example"}, "must be an https URL"),
        ({"mtls_url": "https://mtls.example/?x"}, "without query"),
    ],
)
def test_settings_that_mean_nothing_together(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        load(**settings)
