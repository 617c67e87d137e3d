"""Keys of clients: registered or fetched, kept for a while, looked for again when a kid is new."""

import asyncio
import json
import time
from typing import Any

import jwt
import pytest

from service.crypto.client_keys import ClientKeys, KeySource, parsed
from service.crypto.jws import UnverifiableError, parse
from service.crypto.key_material import generate, public_jwk
from service.outbound.http_client import HttpClientBusyError, HttpClientError, HttpResponse
from service.protocol.credentials import base64url
from service.protocol.names import SigningAlgorithm
from tests.forging import hs256
from tests.world import settings_for

ES256, RS256 = SigningAlgorithm.ES256, SigningAlgorithm.RS256
ISSUER = "http://127.0.0.1:8080"
URI = "https://app.example/jwks"
MOST = 16_384


class Site:
    """A client's server. ``keys``: what its jwks_uri says now."""

    def __init__(self) -> None:
        self.private = {"a": generate(ES256, 0)}
        self.fetches = 0
        self.away = False
        self.max_age: int | None = None
        self.now = 1000.0

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [public_jwk(key, ES256) | {"kid": kid} for kid, key in self.private.items()]}

    async def get(self, url: str, **_: str) -> HttpResponse:
        assert url == URI
        self.fetches += 1
        if self.away:
            raise HttpClientError("app.example did not answer within 5 s")
        headers = {} if self.max_age is None else {"Cache-Control": f"max-age={self.max_age}"}
        return HttpResponse(200, json.dumps(self.jwks).encode(), headers)

    def sign(self, kid: str = "a", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        told = {"iss": "app", "aud": ISSUER, "exp": int(time.time()) + 60, **claims}
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, self.private[kid], "ES256", headers={"kid": kid, **(headers or {})})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def keys(site: Site) -> ClientKeys:
    return ClientKeys(settings_for("redis://127.0.0.1"), site.get, lambda: site.now)


FETCHED = KeySource("app", jwks_uri=URI)


async def test_registered_keys_verify(site: Site, keys: ClientKeys) -> None:
    client = KeySource("app", site.jwks)
    assert (await keys.verify(client, parse(site.sign(scope="x"), MOST), algorithms=["ES256"]))["scope"] == "x"
    assert site.fetches == 0


async def test_fetched_keys_are_kept_for_a_while(site: Site, keys: ClientKeys) -> None:
    """oidcc-registration-jwks-uri."""
    for _ in range(3):
        await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    assert site.fetches == 1
    site.now += 601
    await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    assert site.fetches == 2
    site.max_age = 5
    site.now += 601
    await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    site.now += 6
    await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    assert site.fetches == 4


async def test_a_new_kid_is_looked_for_once_a_minute(site: Site, keys: ClientKeys) -> None:
    """oidcc-refresh-token-rp-key-rotation."""
    await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    site.private["b"] = generate(ES256, 0)
    for _ in range(5):
        with pytest.raises(UnverifiableError):
            await keys.verify(FETCHED, parse(site.sign("b"), MOST), algorithms=["ES256"])
    assert site.fetches == 1, "whoever invents a kid must not make us fetch all the time"
    site.now += 60
    assert await keys.verify(FETCHED, parse(site.sign("b"), MOST), algorithms=["ES256"])
    assert site.fetches == 2


async def test_what_was_right_is_right_while_the_server_is_away(site: Site, keys: ClientKeys) -> None:
    await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    site.away, site.now = True, site.now + 601
    assert await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    site.now += 11
    with pytest.raises(UnverifiableError, match="cannot be fetched"):
        await keys.verify(KeySource("other", jwks_uri=URI), parse(site.sign(iss="other"), MOST), algorithms=["ES256"])


async def test_a_server_that_fails_is_left_alone_for_a_while(site: Site, keys: ClientKeys) -> None:
    """Whoever sends us signed rubbish must not have us call somebody else each time."""
    site.away = True
    for _ in range(20):
        with pytest.raises(UnverifiableError, match="jwks_uri"):
            await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])
    assert site.fetches == 1
    site.away, site.now = False, site.now + 10
    assert await keys.verify(FETCHED, parse(site.sign(), MOST), algorithms=["ES256"])


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_strangers_jwks_uri_is_no_word_on_the_discovery_of_an_issuer(site: Site, at_once: bool) -> None:
    """Whoever registers a trusted issuer's discovery document as jwks_uri sees that fail; the issuer's JWTs go on."""
    discovery = f"{ISSUER}/.well-known/openid-configuration"

    async def get(url: str, **_: str) -> HttpResponse:
        if url != discovery:
            return await site.get(url)
        await asyncio.sleep(0)
        return HttpResponse(200, json.dumps({"issuer": ISSUER, "jwks_uri": URI}).encode(), {})

    keys = ClientKeys(settings_for("redis://127.0.0.1"), get, lambda: site.now)
    token = parse(site.sign(), MOST)
    stranger = keys.verify(KeySource("stranger", jwks_uri=discovery), token, algorithms=["ES256"])
    trusted = keys.verify(KeySource("issuer", discovered_of=ISSUER), token, algorithms=["ES256"])
    first = asyncio.ensure_future(stranger)
    await asyncio.wait([first], timeout=0 if at_once else None)
    assert (await trusted)["iss"] == "app", "its keys are found by its own document"
    with pytest.raises(UnverifiableError):
        await first


async def test_a_network_that_is_busy_is_no_word_on_the_keys(site: Site) -> None:
    """Neither on those of the operator's client at the same URL, nor on those of the stranger a moment later."""
    busy = {"192.0.2.0/24"}

    async def get(url: str, *, network: str) -> HttpResponse:
        await asyncio.sleep(0)
        if network in busy:
            raise HttpClientBusyError("too many calls are under way for this network; try again")
        return await site.get(url)

    keys = ClientKeys(settings_for("redis://127.0.0.1"), get, lambda: site.now)
    token, strangers = parse(site.sign(), MOST), KeySource("stranger", jwks_uri=URI, network="192.0.2.0/24")
    first = asyncio.ensure_future(keys.verify(strangers, token, algorithms=["ES256"]))
    await asyncio.wait([first], timeout=0)
    assert (await keys.verify(FETCHED, token, algorithms=["ES256"]))["iss"] == "app"
    with pytest.raises(UnverifiableError):
        await first
    busy.clear()
    assert (await keys.verify(strangers, token, algorithms=["ES256"]))["iss"] == "app"


def _rsa(bits: int, exponent: int = 65537) -> dict[str, Any]:
    """A public key of that size; nobody knows its private half."""
    modulus = 2 ** (bits - 1) + 1
    told = {"n": modulus, "e": exponent}
    encoded = {name: base64url(value.to_bytes((value.bit_length() + 7) // 8, "big")) for name, value in told.items()}
    return {"kty": "RSA", "kid": f"rsa{bits}", **encoded}


@pytest.mark.parametrize(
    ("member", "usable"),
    [
        (_rsa(2048), True),
        (_rsa(4096), True),
        (_rsa(1024), False),
        (_rsa(16384), False),
        (_rsa(4096, 2**63 + 1), False),
        (_rsa(2048) | {"alg": "none"}, False),
        (_rsa(2048) | {"alg": "RS1"}, False),
        (_rsa(2048) | {"alg": {}}, False),
        (_rsa(2048) | {"use": "enc"}, False),
        (_rsa(2048) | {"kid": ["a"], "x5c": [[]] * 9}, True),
        (_rsa(2048) | {"n": 5}, False),
        ({"kty": "oct", "k": "AAAA"}, False),
        ({"kty": ["RSA"]}, False),
        ({"kty": "EC", "crv": "P-256", "x": [1], "y": "A"}, False),
        ({"kty": "OKP", "crv": "X25519", "x": "AAAA"}, False),
        ("RSA", False),
    ],
)
def test_which_keys_can_be_used(member: Any, usable: bool) -> None:
    """Others are passed over (RFC 7517 section 5): too weak, too expensive for us, of another kind, or no keys at all."""
    assert len(parsed({"keys": [member]})) == usable


async def test_a_signature_is_compared_with_few_keys(site: Site, keys: ClientKeys) -> None:
    """Without a kid every key is tried: a client with fifty would have us calculate fifty times."""
    for number in range(20):
        site.private[f"k{number}"] = generate(ES256, 0)
    token = jwt.encode({"iss": "app"}, site.private["k19"], "ES256")
    with pytest.raises(UnverifiableError, match="no known key"):
        await keys.verify(KeySource("app", site.jwks), parse(token, MOST), algorithms=["ES256"])
    assert await keys.verify(KeySource("app", site.jwks), parse(site.sign("k19"), MOST), algorithms=["ES256"])


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1}, "expired"),
        ({"nbf": int(time.time()) + 86400}, "nbf"),
        ({"iat": int(time.time()) + 86400}, "iat"),
        ({"exp": "soon"}, "exp"),
    ],
)
async def test_what_the_claims_forbid(site: Site, keys: ClientKeys, claims: dict[str, Any], why: str) -> None:
    with pytest.raises(UnverifiableError, match=rf"(?i){why}"):
        await keys.verify(KeySource("app", site.jwks), parse(site.sign(**claims), MOST), algorithms=["ES256"])


@pytest.mark.parametrize(
    "claims",
    [{"aud": None}, {"iss": None}, {"exp": None}, {"nbf": int(time.time()) + 8}],
)
async def test_what_the_claims_may_be(site: Site, keys: ClientKeys, claims: dict[str, Any]) -> None:
    assert await keys.verify(KeySource("app", site.jwks), parse(site.sign(**claims), MOST), algorithms=["ES256"])


async def test_forged_ones_are_refused(site: Site, keys: ClientKeys) -> None:
    client = KeySource("app", site.jwks)
    token = site.sign()
    public = json.dumps(site.jwks["keys"][0])
    mine = generate(ES256, 0)
    embedded = {"jwk": public_jwk(mine, ES256), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/"}
    forged = [
        jwt.encode({"iss": "app"}, None, "none"),  # type: ignore[arg-type]
        hs256({"iss": "app"}, public.encode(), kid="a"),
        jwt.encode({"iss": "app"}, mine, "ES256", headers={"kid": "a"}),
        jwt.encode({"iss": "app"}, mine, "ES256", headers={"kid": "a", **embedded}),
        jwt.encode({"iss": "app"}, mine, "ES256", headers=embedded),
        token + "A",
        token[:-4],
        "x",
        "",
        "a.b.c",
        "x" * (MOST + 1),
    ]
    for one in forged:
        with pytest.raises(UnverifiableError):
            await keys.verify(client, parse(one, MOST), algorithms=["ES256", "RS256"])
    with pytest.raises(UnverifiableError, match="signed with ES256"):
        await keys.verify(client, parse(token, MOST), algorithms=["RS256"])
    with pytest.raises(UnverifiableError, match="neither jwks nor"):
        await keys.verify(KeySource("app"), parse(token, MOST), algorithms=["ES256"])


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": 1}', b"<html>", b'{"keys": [1, {}, {"kty": "oct"}]}']
)
async def test_a_document_that_is_no_key_set(site: Site, content: bytes) -> None:
    async def get(_: str, **__: str) -> HttpResponse:
        return HttpResponse(200, content, {})

    with pytest.raises(UnverifiableError):
        await ClientKeys(settings_for("redis://127.0.0.1"), get).verify(
            FETCHED, parse(site.sign(), MOST), algorithms=["ES256"]
        )


async def test_what_is_kept_of_a_document_is_what_is_looked_at_and_is_counted(site: Site) -> None:
    """Nested lists of 256 KB are some megabytes as objects, for each of a thousand clients."""
    key = public_jwk(site.private["a"], ES256)
    nested: list[Any] = [[] for _ in range(1000)]
    long = "k" * 10_000
    document = {
        "keys": [
            {**key, "kid": "nested", "x": nested},
            {**key, "kty": nested},
            {"x": "of no kind"},
            {**key, "kid": long, "use": "enc", "further": nested, "k": "secret"},
        ]
    }

    async def get(_: str, **__: str) -> HttpResponse:
        return HttpResponse(200, json.dumps(document).encode(), {})

    keys = ClientKeys(settings_for("redis://127.0.0.1"), get)
    held = await keys._fetched(KeySource("app", jwks_uri=URI))
    wanted = {name: key[name] for name in ("kty", "crv", "x", "y")}
    assert held.encryption == ({**wanted, "kid": long, "use": "enc"} | {n: key[n] for n in ("alg",) if n in key},)
    assert keys._held.bytes > len(long)
