"""Whatever bytes are sent, the answer is a well-formed, registered error or a success, never 500."""

from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.records.client import ClientSecret
from tests.wire import check_shape, form_post, request, send
from tests.world import FORM, SECRET, World, basic

PATHS = (b"/token", b"/introspect", b"/revoke")
NAMES = (
    *("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "username", "password"),
    *("client_id", "client_secret", "resource", "token", "token_type_hint", "grant_type\x00", "ünknown", ""),
)
WORDS = (
    *("authorization_code", "client_credentials", "password", "refresh_token", "read", "read write"),
    *("app", "phone", "people", "alice", "wonderland", SECRET, "{}", "*", "#", "mm:client:app"),
    *("https://app.example/callback", "https://api.example", "http://[", "mm_cs_", "v" * 43, "x" * 9000),
    *("mm_at_" + "a" * 65, "mm_ac_" + "a" * 65, "mm_rt_" + "a" * 65),
)

text = st.one_of(st.sampled_from(WORDS), st.text(max_size=40)).map(lambda value: value.encode("utf-8", "surrogatepass"))
value = st.one_of(text, st.binary(max_size=40))
short = value.filter(lambda given: len(given) < 1000)
"""HTTP refuses header lines of more than 8 KiB before an endpoint sees them."""
name = st.one_of(st.sampled_from(NAMES).map(str.encode), value)
escaped = st.one_of(value.map(quote_from_bytes).map(str.encode), value)
pair = st.tuples(st.one_of(name.map(quote_from_bytes).map(str.encode), name), escaped).map(b"=".join)
body = st.one_of(
    st.lists(pair, max_size=12).map(b"&".join),
    st.tuples(
        st.sampled_from([b"authorization_code", b"client_credentials", b"password", b"refresh_token"]),
        st.lists(pair, max_size=8),
    ).map(lambda parts: b"&".join([b"grant_type=" + parts[0], *parts[1]])),
    st.binary(max_size=300),
)

in_a_header = st.binary(max_size=60).map(lambda raw: bytes(byte for byte in raw if byte >= 32 and byte != 127))
"""Bytes that HTTP lets through; others do not get as far as an endpoint."""
authorization = st.one_of(
    st.just([]),
    st.sampled_from(["app", "phone", "people", "ghost"]).map(
        lambda client_id: [basic(client_id)["Authorization"].encode()]
    ),
    st.tuples(short, short).map(lambda parts: [b"Basic " + b64encode(parts[0] + b":" + parts[1])]),
    st.binary(max_size=60).map(lambda raw: [b"Basic " + b64encode(raw)]),
    st.lists(in_a_header, min_size=1, max_size=2),
).map(lambda values: [b"Authorization: " + value.strip() for value in values])
content_type = st.one_of(
    st.just(FORM.encode()), st.just(FORM.encode() + b"; charset=UTF-8"), in_a_header.map(bytes.strip)
)


async def _set_up(world: World) -> None:
    if not world.key_names():
        await world.client(audiences=("https://api.example",))
        await world.public_client()
        imported = await world.issuer.hashing.hash("wonderland")
        await world.client("people", secrets=(ClientSecret(imported),))
        await world.user()


many = settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@many
@given(path=st.sampled_from(PATHS), body=body, authorization=authorization)
async def test_any_form_gets_a_well_formed_answer(
    world: World, path: bytes, body: bytes, authorization: list[bytes]
) -> None:
    await _set_up(world)
    check_shape(await send(world.http, form_post(path, body, *authorization)))


@pytest.fixture
async def behind_a_proxy(world: World) -> AsyncIterator[World]:
    """The same service, believing what this machine says about addresses."""
    async with world.having(trusted_proxies=("127.0.0.1",)) as proxied:
        yield proxied


@many
@given(
    path=st.sampled_from(PATHS),
    method=st.sampled_from([b"POST", b"POST", b"POST", b"GET", b"PUT", b"PATCH"]),
    authorization=authorization,
    content_type=content_type,
    headers=st.lists(in_a_header, max_size=3),
    body=st.one_of(st.just(b"grant_type=client_credentials&token=x"), st.binary(max_size=100)),
)
async def test_any_head_gets_a_well_formed_answer(
    behind_a_proxy: World,
    path: bytes,
    method: bytes,
    authorization: list[bytes],
    content_type: bytes,
    headers: list[bytes],
    body: bytes,
) -> None:
    await _set_up(behind_a_proxy)
    names = (b"X-Forwarded-For: ", b"X-Forwarded-Proto: ", b"Accept: ")
    lines = [b"Content-Type: " + content_type, b"Content-Length: %d" % len(body), *authorization]
    lines += [name + value.strip() for name, value in zip(names, headers, strict=False)]
    check_shape(await send(behind_a_proxy.http, request(method, path, *lines) + body))
