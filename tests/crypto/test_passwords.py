"""Hashing what people choose (argon2id) and what we generated (SHA-256)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from service.crypto.passwords import Hashing, hash_generated, is_generated, matches_generated
from service.protocol.errors import TemporarilyUnavailable
from service.settings import Settings, load
from tests.world import SECRET, settings_for


def _settings(**changes: int) -> Settings:
    return settings_for("redis://nowhere", **changes)


@pytest.fixture
async def hashing() -> AsyncIterator[Hashing]:
    made = Hashing(_settings())
    yield made
    made.close()


async def test_a_password_is_hashed_with_argon2id_at_the_settings_cost(hashing: Hashing) -> None:
    hashed = await hashing.hash("wonderland")
    assert hashed.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await hashing.hash("wonderland") != hashed, "with a salt of its own"


def test_the_shipped_cost_is_what_owasp_recommends() -> None:
    settings = load()
    assert (settings.argon2_memory, settings.argon2_iterations) == (19456, 2)


@pytest.mark.parametrize(
    ("password", "matches"), [("wonderland", True), ("Wonderland", False), ("wonderland ", False), ("", False)]
)
async def test_only_the_password_matches(hashing: Hashing, password: str, matches: bool) -> None:
    assert await hashing.verify(password, await hashing.hash("wonderland")) is matches


@pytest.mark.parametrize("hashed", [None, "", "not a hash", "$argon2id$v=19$m=64,t=1,p=1$x", "sha256:abc"])
async def test_nobodys_password_matches_nothing(hashing: Hashing, hashed: str | None) -> None:
    assert await hashing.verify("wonderland", hashed) is False


async def test_nobodys_password_costs_what_anybodys_does(hashing: Hashing, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def verify(_: PasswordHasher, hashed: str, password: str) -> bool:
        checked.append(hashed)
        return real(PasswordHasher(), hashed, password)

    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", verify)
    somebodys = await hashing.hash("wonderland")
    assert await hashing.verify("wonderland", None) is False
    assert [len(hashed) for hashed in checked] == [len(somebodys)]
    assert extract_parameters(checked[0]) == extract_parameters(somebodys)
    with pytest.raises(VerifyMismatchError):  # it was calculated to the end, and compared
        real(PasswordHasher(), checked[0], "wonderland")


async def test_passwords_hashed_at_another_cost_still_work(hashing: Hashing) -> None:
    """The settings may change; and what other systems hashed may be imported."""
    other = Hashing(_settings(argon2_memory=128, argon2_iterations=2))
    hashed = await other.hash("wonderland")
    other.close()
    assert await hashing.verify("wonderland", hashed)


# client secrets


async def test_a_generated_secret_is_compared_by_its_sha_256(hashing: Hashing) -> None:
    hashed = hash_generated(SECRET)
    assert (is_generated(hashed), hashed) == (True, "sha256:ZrRtrQVMYuW-WjsgiPWEI-nkDYLLgW1vaX5sbj1ZLk8")
    assert await hashing.verify_secret(SECRET, hashed)
    assert not await hashing.verify_secret(SECRET + "x", hashed)
    assert not await hashing.verify_secret(hashed, hashed), "a hash is not its secret"


async def test_an_imported_secret_is_hashed_once_a_minute_and_a_wrong_one_every_time(
    hashing: Hashing, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    matches = Hashing._matches

    def counted(hashing: Hashing, secret: str, hashed: str) -> bool:
        worked.append(secret)
        return matches(hashing, secret, hashed)

    monkeypatch.setattr(Hashing, "_matches", counted)
    hashed, another = await hashing.hash("imported"), await hashing.hash("imported")
    assert not is_generated(hashed)
    for _ in range(3):
        assert await hashing.verify_secret("imported", hashed)
        assert not await hashing.verify_secret("guessed", hashed)
    assert worked == ["imported", "guessed", "guessed", "guessed"]
    assert await hashing.verify_secret("imported", another)
    assert worked[-1] == "imported", "what is remembered is the secret of this very hash"


async def test_what_is_remembered_is_bounded_and_no_secret(hashing: Hashing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.crypto.passwords._CACHED", 2)
    hashes = [await hashing.hash("imported") for _ in range(5)]
    for hashed in hashes:
        assert await hashing.verify_secret("imported", hashed)
        assert len(hashing._verified) <= 2
    assert "imported" not in repr(hashing._verified)


# limits


async def test_too_many_passwords_at_once_are_turned_away_and_the_others_are_served() -> None:
    """P7: two threads and a queue of one."""
    hashing = Hashing(_settings(argon2_threads=2, argon2_queue=1))
    results = await asyncio.gather(*(hashing.hash(str(number)) for number in range(5)), return_exceptions=True)
    assert [isinstance(result, TemporarilyUnavailable) for result in results] == [False] * 3 + [True] * 2
    assert (await hashing.hash("later")).startswith("$argon2id$"), "the places are free again"
    hashing.close()


async def test_the_event_loop_turns_while_passwords_are_hashed() -> None:
    """argon2 is for threads: what else is under way goes on meanwhile."""
    hashing = Hashing(_settings(argon2_memory=65536, argon2_iterations=3))
    task, turns = asyncio.ensure_future(hashing.hash("wonderland")), 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    hashing.close()
    assert turns > 10


async def test_many_that_ask_for_the_same_secret_share_one_hashing() -> None:
    """Else the end of the cache's minute would be a storm of argon2, and 503 for most of it."""
    hashing = Hashing(settings_for("redis://127.0.0.1:6379", argon2_threads=1, argon2_queue=1))
    hashed = await hashing.hash("an imported secret")
    assert all(await asyncio.gather(*(hashing.verify_secret("an imported secret", hashed) for _ in range(200))))
    assert not any(await asyncio.gather(*(hashing.verify_secret("another", hashed) for _ in range(200))))
    hashing.close()


@pytest.mark.parametrize("damaged", ["", "x", "=", "äö", hash_generated("s")[7:-1], hash_generated("s")[7:] + "A"])
def test_what_is_no_digest_is_nobodys_secret(damaged: str) -> None:
    assert matches_generated("s", hash_generated("s"))
    assert not matches_generated("s", f"sha256:{damaged}")
    assert not matches_generated("", f"sha256:{damaged}")
