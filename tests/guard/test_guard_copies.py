"""The guard stands alone: the rules that it shares with the service are copies, and stay the same.

Where both have the same needs the text is the same; where their libraries differ, both decide alike on the same inputs.
"""

import inspect
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mintmark_guard import dpop_proofs as guards_proofs
from mintmark_guard import forwarded_certificates as guards_certificates
from mintmark_guard import jws as guards_jws
from mintmark_guard import revocations as guards_revocations
from mintmark_guard import shared_calls as guards_calls
from mintmark_guard import target_uris as guards_uris
from service.concurrency import shared_calls
from service.crypto import client_keys, dpop_proofs, jws
from service.protocol import forwarded_certificates, target_uris
from service.store.keys import Keys
from tests.attacks.test_dpop_attacks import FORGED, PROVER, RIGHT, Make
from tests.dpop import USERINFO_URL

TOKEN = "mm_at_something"
ACCEPTED = ("ES256", "PS256", "EdDSA", "ES384")


def test_what_a_target_is() -> None:
    assert Path(guards_uris.__file__).read_text() == Path(target_uris.__file__).read_text()


def test_how_proxies_write_certificates() -> None:
    ours, guards = _functions(forwarded_certificates), _functions(guards_certificates)
    assert len(ours) > 5
    assert ours == guards


def test_how_calls_are_shared() -> None:
    ours, guards = (_sources(module.SharedCalls) for module in (shared_calls, guards_calls))
    assert len(ours) > 3
    assert ours.items() <= guards.items()


def test_the_bounds_of_jwts_and_proofs() -> None:
    for name in ("MAX_PROOF", "MAX_JTI", "AHEAD", "HEADER", "NONCE_HEADER", "_TYPE", "_PRIVATE"):
        assert getattr(dpop_proofs, name) == getattr(guards_proofs, name), name
    for name in ("SKEW", "_LONGEST_REMEMBERED"):
        assert getattr(jws, name) == getattr(guards_jws, name), name
    assert client_keys.ALGORITHMS == guards_jws.ALGORITHMS
    assert client_keys._RSA_BITS == guards_jws.RSA_BITS


def test_on_which_channels_the_service_publishes() -> None:
    keys = Keys()
    assert (keys.ended, keys.changes) == (guards_revocations.ENDED, guards_revocations.CHANGES)


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED)
async def test_a_forged_proof_is_one_for_both(make: Make) -> None:
    text = make("GET", USERINFO_URL, TOKEN)
    assert await _ours(text) == _guards(text)


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
async def test_a_good_proof_is_read_alike(make: Make) -> None:
    text = make("GET", USERINFO_URL, TOKEN)
    read = await _ours(text)
    assert isinstance(read, tuple)
    assert read == _guards(text)


async def test_a_damaged_proof_is_one_for_both() -> None:
    """Characters that are lost, doubled or replaced, wherever they are."""
    whole, chance = PROVER.proof("GET", USERINFO_URL, TOKEN), random.Random(7)
    for _ in range(300):
        at, character = chance.randrange(len(whole)), chance.choice("AZaz09-_.=+/ ")
        for text in (whole[:at] + whole[at + 1 :], whole[:at] + character + whole[at:]):
            assert isinstance(await _ours(text), tuple) == isinstance(_guards(text), tuple), text


def test_base64url_has_one_spelling_for_both() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        data = bytes(chance.choices(b"AQgw_-+/=. \n\x00\xff09zZ", k=chance.randrange(7)))
        assert _decoded(jws.decoded, data) == _decoded(guards_jws.decoded, data), data


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [-100, -9, 0, 9, 100, 1e99, float("inf"), None, True, "now", [0]])
def test_times_count_alike(name: str, value: object) -> None:
    now = time.time()
    claims = {name: now + value if isinstance(value, int | float) and not isinstance(value, bool) else value}
    assert _is_refused(lambda: jws.check_times(claims)) == _is_refused(lambda: guards_jws.check_times(claims, now))


async def _ours(text: str) -> object:
    """What the service reads in a proof, or why it refuses it."""
    proofs = dpop_proofs.DpopProofs()
    try:
        proof = await proofs.verify(text, method="GET", url=USERINFO_URL, access_token=TOKEN, algorithms=ACCEPTED)
        dpop_proofs.check_times(proof, time.time())
        dpop_proofs.check_age(proof, time.time(), 60)
    except jws.UnverifiableError as error:
        return str(error)
    return proof.jkt, proof.jti, proof.issued_at, proof.nonce


def _guards(text: str) -> object:
    """The same of the guard."""
    try:
        proof = guards_proofs.verify_proof(
            text, method="GET", url=USERINFO_URL, access_token=TOKEN, algorithms=ACCEPTED
        )
        guards_proofs.check_times(proof, time.time())
        guards_proofs.check_age(proof, time.time(), 60)
    except guards_jws.UnverifiableError as error:
        return str(error)
    return proof.jkt, proof.jti, proof.issued_at, proof.nonce


def _is_refused(check: Callable[[], None]) -> bool:
    try:
        check()
    except (jws.UnverifiableError, guards_jws.UnverifiableError):
        return True
    return False


def _decoded(decode: Callable[[bytes], bytes], data: bytes) -> bytes | None:
    try:
        return decode(data)
    except ValueError:
        return None


def _functions(module: ModuleType) -> dict[str, str]:
    made = inspect.getmembers(module, inspect.isfunction)
    return {name: inspect.getsource(one) for name, one in made if one.__module__ == module.__name__}


def _sources(made: type) -> dict[str, str]:
    return {name: inspect.getsource(one) for name, one in inspect.getmembers(made, inspect.isfunction)}
