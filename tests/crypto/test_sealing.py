"""A sealed reply opens with the refresh token it was sealed for, and with nothing else (P2)."""

import pytest

from service.crypto.sealing import NONCE_BYTES, seal, unseal

TOKEN = "mm_rt_" + "a" * 65
NONCE = bytes(NONCE_BYTES)
SEALED = seal(b"the response", TOKEN, NONCE)


def test_it_opens_with_its_token() -> None:
    assert unseal(SEALED, TOKEN) == b"the response"


def test_it_hides_the_response() -> None:
    assert b"response" not in SEALED
    assert seal(b"the response", TOKEN, b"\x01" * NONCE_BYTES)[NONCE_BYTES:] != SEALED[NONCE_BYTES:]


@pytest.mark.parametrize(
    ("sealed", "token"),
    [
        pytest.param(SEALED, TOKEN[:-1] + "b", id="another token"),
        pytest.param(SEALED[:-1] + bytes([SEALED[-1] ^ 1]), TOKEN, id="a changed byte"),
        pytest.param(bytes([SEALED[0] ^ 1]) + SEALED[1:], TOKEN, id="a changed nonce"),
        pytest.param(SEALED[:-1], TOKEN, id="a byte less"),
        pytest.param(b"", TOKEN, id="nothing"),
    ],
)
def test_it_opens_with_nothing_else(sealed: bytes, token: str) -> None:
    assert unseal(sealed, token) is None
