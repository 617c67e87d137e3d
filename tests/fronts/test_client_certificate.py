"""The certificate that a proxy forwards (RFC 9440): believed only where settings and proxy are trusted."""

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
from service.protocol.request import Request
from service.settings import load
from tests.world import FORM, World, error_of

FORWARDED = ":MIIB:"
CERTIFICATE = b"\x30\x82\x01"


def _certificate(*values: str, remote: str = "10.0.0.1", **settings: Any) -> bytes | None:
    http: Any = SimpleNamespace(headers=CIMultiDict([("Client-Cert", value) for value in values]), remote=remote)
    trusting: dict[str, Any] = {"trusted_proxies": ("10.0.0.0/8",), "forwarded_certificate": "rfc9440"}
    return certificate_of(http, load(**trusting | settings))


def test_what_a_trusted_proxy_forwards() -> None:
    assert _certificate(FORWARDED) == CERTIFICATE
    assert _certificate() is None


def test_what_nobody_we_know_has_written_is_not_looked_at() -> None:
    assert _certificate(FORWARDED, remote="192.0.2.1") is None
    assert _certificate(FORWARDED, trusted_proxies=()) is None
    assert _certificate(FORWARDED, forwarded_certificate="off") is None
    assert _certificate("malformed", remote="192.0.2.1") is None


@pytest.mark.parametrize(
    "written", [(FORWARDED, FORWARDED), ("MIIB",), (":MIIB",), (":",), ("::",), (":?:",), (":MII:",), (":MIIé:",)]
)
def test_a_malformed_header(written: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        _certificate(*written)


async def test_an_endpoint_sees_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def decide(_issuer: Issuer, request: Request) -> Decision:
        return answer(request.certificate or b"none")

    monkeypatch.setitem(ENDPOINTS, "badge", MachineEndpoint(name="badge", paths=always("/badge"), handle=decide))
    form = {"Client-Cert": FORWARDED, "Content-Type": FORM}
    for trusted, seen in ((("127.0.0.1/32",), CERTIFICATE), ((), b"none")):
        async with world.having(trusted_proxies=trusted, forwarded_certificate="rfc9440") as other:
            answered = await other.http.post("/badge", data="x=y", headers=form)
            assert await answered.read() == seen
            if trusted:
                refused = await other.http.post("/badge", data="x=y", headers=form | {"Client-Cert": "MIIB"})
                assert await error_of(refused) == (400, "invalid_request")
