"""Guards by keys: how long keys are believed, and what is said of tokens that are no JWTs."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mintmark_guard import Guard, Refused
from mintmark_guard.signed_tokens import SignedTokens
from service.protocol.names import AccessTokenFormat
from tests.guard.guarding import API, is_let_in, token_of
from tests.guarded import bearer
from tests.world import World

HOUR = 3600


def aged(guard: Guard, seconds: float) -> SignedTokens:
    """Let its keys be as old as that."""
    assert isinstance(guard.source, SignedTokens)
    guard.source.keys._read_at -= seconds
    guard.source.keys._again_at = 0.0
    return guard.source


async def test_keys_that_cannot_be_read_for_an_hour_are_not_believed(
    served: World, guards: Callable[..., Guard], caplog: pytest.LogCaptureFixture
) -> None:
    """They may have been withdrawn; their operator reads why, and one answer is enough to go on."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    assert await is_let_in(guard, token)
    fetched = guard.issuer.fetched

    async def away(_: Any) -> dict[str, Any]:
        raise OSError("the network is down")

    guard.issuer.fetched = away  # type: ignore[assignment, method-assign]
    aged(guard, HOUR)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await guard.check(**bearer(token))
        assert refused.value.status == 503
    assert "keys of the token service cannot be read: the network is down" in caplog.text
    guard.issuer.fetched = fetched  # type: ignore[method-assign]
    aged(guard, 0)
    assert await is_let_in(guard, token)


async def test_after_an_idle_hour_the_first_request_waits_for_the_keys(
    served: World, guards: Callable[..., Guard]
) -> None:
    """One that was withdrawn meanwhile lets nobody in any more, not even once."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    assert await is_let_in(guard, token)
    source = aged(guard, HOUR)
    fetch = source.keys._fetch

    async def others() -> Mapping[str, Any]:
        return {"keys": [{**key, "kid": f"{key['kid']}-new"} for key in (await fetch())["keys"]]}

    source.keys._fetch = others
    assert not await is_let_in(guard, token)


async def test_an_opaque_token_is_told_from_one_that_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    """To its sender each time, to the operator once: anybody may send anything."""
    guard = Guard("https://tokens.example.com", API)
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            await guard.check(**bearer("mm_at_" + "x" * 65))
        assert (refused.value.status, refused.value.error) == (401, "invalid_token")
        assert "not a JWT" in refused.value.headers["WWW-Authenticate"]
    (told,) = [record.getMessage() for record in caplog.records]
    assert "--access-token-format jwt" in told
    assert "xxx" not in told


def test_a_memory_of_nothing_is_told_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="cache_size"):
        Guard("https://tokens.example.com", API, client_id="api", client_secret="s", cache_size=0)
