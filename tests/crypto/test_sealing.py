"""A sealed reply opens with the refresh token it was sealed for, and with nothing else (P2); formats stay as they are."""

import pytest

from service.crypto.sealing import NONCE_BYTES, RequestSealing, Sealing, seal, unseal

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


def test_what_release_0_1_sealed_opens() -> None:
    """And is sealed so today: two releases run side by side."""
    reply = bytes.fromhex("0000000000000000000000002f2143a936a55955c60483493b6efe78694f24a2fca049e17983a3ca")
    bound = bytes.fromhex("0000000000000000000000002f2143a936a55955c60483491a1976bdb3b8414e1a7065b01a6a6584")
    assert (SEALED, seal(b"the response", TOKEN, NONCE, b"asked")) == (reply, bound)
    assert (unseal(bound, TOKEN, b"asked"), unseal(bound, TOKEN)) == (b"the response", None)
    requests, carried = (
        RequestSealing([b"m" * 43], bytes),
        "XTT4V1QzAAAAAAAAAAAAAAAApG31BXpLH4Q5X2svrDbKmTlX08dNoXXXygMA9lKnGRqxGwk",
    )
    assert (requests.seal(b"the request"), requests.unseal(carried)) == (carried, b"the request")
    secrets, kept = Sealing(("m" * 43,)), "AAAAAAAAAAAAAAAAnuOEUO-Wby3PIA-Cxvh6KkEVFEBQkQ"
    assert (secrets.current, secrets.seal_text("secret", "app", bytes)) == ("JIA20KWkEKc", kept)
    assert secrets.unseal_text(kept, "JIA20KWkEKc", "app") == "secret"
