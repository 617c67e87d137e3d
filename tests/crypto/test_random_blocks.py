"""Randomness in blocks: nothing is given twice, nothing is left out, and every bit varies."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import accumulate, pairwise

import pytest

from service.crypto.random_blocks import RandomBlocks, RandomText

SIZES = [1, 22, 43, 4095, 43, 4096, 5000, 22] * 5


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> bytearray:
    """What the system gave, which is random in each place."""
    given = bytearray()
    state = 1

    def urandom(count: int) -> bytes:
        nonlocal state
        made = bytearray()
        for _ in range(count):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            made.append(state >> 56)
        given.extend(made)
        return bytes(made)

    monkeypatch.setattr("os.urandom", urandom)
    return given


def test_bytes_are_those_of_the_system_in_their_order(drawn: bytearray) -> None:
    source = RandomBlocks()
    pieces = [source(size) for size in SIZES]
    assert [len(piece) for piece in pieces] == SIZES
    assert _in_order(pieces, bytes(drawn))


def test_text_is_base64url_of_the_bytes_of_the_system_in_their_order(drawn: bytearray) -> None:
    source = RandomText()
    pieces = [source(length) for length in SIZES]
    assert [len(piece) for piece in pieces] == SIZES
    assert "=" not in "".join(pieces), "the end of a block would not be random"
    assert _in_order([piece.encode() for piece in pieces], urlsafe_b64encode(bytes(drawn)))


def test_every_bit_of_a_text_varies() -> None:
    """The last character, too: one of 43 that stand for 32 bytes has only four random bits."""
    source = RandomText()
    seen_ones = seen_zeros = 0
    for _ in range(200):
        bits = int.from_bytes(urlsafe_b64decode(source(43) + "A"))
        seen_ones, seen_zeros = seen_ones | bits, seen_zeros | ~bits & (1 << 264) - 1
    assert seen_ones >> 6 == seen_zeros >> 6 == (1 << 258) - 1


def _in_order(pieces: list[bytes], given: bytes) -> bool:
    """Whether each piece is found in what was given behind the one before it."""
    places = list(accumulate(pieces, lambda after, piece: given.index(piece, after) + len(piece), initial=0))
    return all(before < after for before, after in pairwise(places))
