"""HTTP Basic as clients really send it, and as attackers do (RFC 6749 section 2.3.1, RFC 7617)."""

from base64 import b64encode

import pytest

from service.crypto.passwords import hash_generated
from service.records.client import ClientSecret
from tests.wire import form_post, send
from tests.world import World

SECRET = "p:s+s %é"
"""A secret that looks different in every spelling."""


def _basic(credentials: bytes, scheme: bytes = b"Basic ") -> bytes:
    return b"Authorization: " + scheme + b64encode(credentials)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(_basic(b"my%20app:p%3As%2Bs+%25%C3%A9"), id="form-urlencoded as RFC 6749 says"),
        pytest.param(_basic(b"my+app:p%3As%2Bs%20%25%C3%A9"), id="spaces the other way round"),
        pytest.param(_basic("my app:p:s+s %é".encode()), id="not encoded at all, as many clients do"),
        pytest.param(_basic(b"my%20app:p%3As%2Bs+%25%C3%A9", b"bAsIc  "), id="scheme in another case, two spaces"),
    ],
)
async def test_every_spelling_of_the_secret_is_understood(world: World, header: bytes) -> None:
    """IT-11, AU-33."""
    await world.client("my app", secrets=(ClientSecret(hash_generated(SECRET)),))
    answer = await send(world.http, form_post(b"/token", b"grant_type=client_credentials", header))
    assert answer.status == 200


ODD = "50%+off é"
"""A client_id that looks different in every spelling."""


@pytest.mark.parametrize(
    "written", [b"50%25%2Boff+%C3%A9", b"50%25%2Boff%20%C3%A9", b"50%25+off%20%C3%A9", "50%+off é".encode()]
)
async def test_every_spelling_of_the_client_id_is_understood(world: World, written: bytes) -> None:
    """As of the secret: form-urlencoded, by encodeURIComponent, by encodeURI, and raw."""
    await world.client(ODD, secrets=(ClientSecret(hash_generated(SECRET)),))
    for secret in (b"p%3As%2Bs+%25%C3%A9", SECRET.encode()):
        header = _basic(written + b":" + secret)
        answer = await send(world.http, form_post(b"/token", b"grant_type=client_credentials", header))
        assert answer.status == 200


async def test_the_way_of_the_rfc_comes_first(world: World) -> None:
    """``a+b`` is the client ``a b`` where there is one, whatever else there is."""
    await world.client("a b")
    await world.client("a+b", secrets=(ClientSecret(hash_generated("of a+b")),))
    tried = [b"a+b:mm_cs_" + b"s" * 43, b"a%2Bb:of a+b", b"a+b:of a+b"]
    headers = [_basic(one) for one in tried]
    answers = [await send(world.http, form_post(b"/token", b"grant_type=client_credentials", one)) for one in headers]
    assert [answer.status for answer in answers] == [200, 200, 401]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Authorization:", id="empty"),
        pytest.param(b"Authorization: Basic", id="a scheme only"),
        pytest.param(b"Authorization: Basic %%%", id="no base64"),
        pytest.param(b"Authorization: Basic YXBwOnNlY3JldA", id="base64 without its padding"),
        pytest.param(b"Authorization: Basic \xff\xfe", id="bytes that are no ASCII"),
        pytest.param(b"Authorization: \xff\xfe", id="a scheme of such bytes"),
        pytest.param(b"Authorization: Basic YXBw OnNlY3JldA==", id="a space inside"),
        pytest.param(_basic(b"app"), id="no colon"),
        pytest.param(_basic(b":secret"), id="no client_id"),
        pytest.param(_basic(b""), id="nothing inside"),
        pytest.param(_basic(b"\xff\xfe:secret"), id="inside not UTF-8"),
        pytest.param(_basic(b"app\x00:secret"), id="NUL inside"),
        pytest.param(_basic(b"app%00:%00"), id="an escaped NUL inside"),
        pytest.param(_basic(b"%FF%FE:%FF"), id="escaped bytes that are not UTF-8"),
        pytest.param(_basic(b"app:%"), id="an escape that is none"),
        pytest.param(_basic(b"{app}:secret"), id="braces"),
        pytest.param(_basic(b"app\r\nX-Evil: 1:secret"), id="a line end inside"),
        pytest.param(_basic(b"a" * 256 + b":secret"), id="a very long client_id"),
        pytest.param(_basic(b"app:" + b"s" * 5000), id="a very long secret"),
        pytest.param(_basic(b"*:secret"), id="a pattern"),
    ],
)
async def test_anything_else_is_invalid_client(world: World, header: bytes) -> None:
    await world.client()
    answer = await send(world.http, form_post(b"/token", b"grant_type=client_credentials", header))
    assert answer.error == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_two_authorization_headers_are_an_invalid_request(world: World) -> None:
    await world.client()
    right = _basic(b"app:mm_cs_" + b"s" * 43)
    for headers in ((right, right), (right, b"Authorization: Bearer x")):
        answer = await send(world.http, form_post(b"/token", b"grant_type=client_credentials", *headers))
        assert answer.error == (400, "invalid_request")


@pytest.mark.parametrize(
    "client_id", ["{app}", "a{b}c", "app\n", "app\x01", "ümlaut", "a:b/c", "*", "mm:client", "a" * 255]
)
async def test_a_client_id_of_any_characters_is_one_key_of_its_own(world: World, client_id: str) -> None:
    """Braces and control characters do not get into the Cluster's hash tag, nor into another client's key."""
    await world.client("app")
    await world.client(client_id)
    header = _basic("".join(f"%{byte:02X}" for byte in client_id.encode()).encode() + b":mm_cs_" + b"s" * 43)
    answer = await send(world.http, form_post(b"/token", b"grant_type=client_credentials", header))
    assert answer.status == 200
    names = world.key_names("mm:client:")
    assert len(names) == 2
    assert not any(character in "{}*\n\x01" for name in names for character in name)


async def test_a_client_id_has_255_characters_at_most(world: World) -> None:
    """A longer one is not even looked up."""
    await world.client("a" * 256)
    answer = await send(
        world.http, form_post(b"/token", b"grant_type=client_credentials", _basic(b"a" * 256 + b":mm_cs_" + b"s" * 43))
    )
    assert answer.error == (401, "invalid_client")
