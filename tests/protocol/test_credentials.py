"""The wire form of codes and tokens, and what is kept of them."""

import re
import secrets
from hashlib import sha512
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import service
from service.crypto.random_blocks import RandomText
from service.protocol.credentials import (
    PATTERN,
    Credential,
    Kind,
    base64url,
    hashed,
    new_credential,
    new_grant_id,
    new_secret,
    parse,
)
from service.protocol.redaction import redacted

SERVICE = Path(service.__file__).parent
GRANT_ID = "g" * 22
TOKEN = "mm_at_" + GRANT_ID + "s" * 43


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.has_id])
def test_what_is_issued_is_recognised_with_its_kind_and_grant(kind: Kind) -> None:
    """IA-04, IA-09, IA-23, IT-21."""
    grant_id = new_grant_id(RandomText())
    credential = new_credential(kind, grant_id, RandomText())
    assert re.fullmatch(kind.value + "[A-Za-z0-9_-]{65}", credential)
    assert parse(credential) == Credential(kind, grant_id, hashed(credential))


def test_a_grant_id_is_no_option_of_a_command() -> None:
    """-Ay… would be read as -y, and -h… show the help."""
    assert new_grant_id(lambda length: "-w" + "A" * (length - 2)) == "_w" + "A" * 20
    assert new_grant_id(lambda length: "A-" * (length // 2)) == "A-" * 11


def test_a_grant_id_has_128_random_bits_and_a_secret_256() -> None:
    """IT-21, IA-09: not to be guessed; the bits are those that the sources of randomness gave."""
    asked: list[int] = []

    def randomness(count: int) -> bytes:
        asked.append(count * 8)
        return bytes(range(count))

    def text(length: int) -> str:
        asked.append(length * 6)
        return "x" * length

    token = new_credential(Kind.ACCESS_TOKEN, new_grant_id(text), text)
    secret = new_secret(Kind.CLIENT_SECRET, randomness)
    assert asked == [132, 258, 256]
    assert token == "mm_at_" + "x" * 65
    assert secret == "mm_cs_" + base64url(bytes(range(32)))


def test_the_hash_is_sha_512_over_the_whole_credential() -> None:
    """IA-18."""
    assert hashed(TOKEN) == base64url(sha512(TOKEN.encode()).digest()[:16])
    assert len(hashed(TOKEN)) == 22


@pytest.mark.parametrize(
    "other", [TOKEN.swapcase(), TOKEN[:-1] + "S", TOKEN.replace("mm_at_", "mm_rt_"), TOKEN[:-1] + "t"]
)
def test_another_case_kind_or_letter_has_another_hash(other: str) -> None:
    """IA-03, IA-23: compared exactly, letter case and all."""
    assert hashed(other) != hashed(TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("mm_at_", id="a prefix only"),
        pytest.param(TOKEN[:-1], id="too short"),
        pytest.param(TOKEN + "s", id="too long"),
        pytest.param(TOKEN + "\n", id="a line end behind it"),
        pytest.param(" " + TOKEN, id="a space before it"),
        pytest.param(TOKEN.replace("mm_at_", "MM_AT_"), id="prefix in capitals"),
        pytest.param(TOKEN.replace("mm_at_", "mm_xx_"), id="a kind that does not exist"),
        pytest.param(TOKEN.replace("mm_at_", "mm_cs_"), id="a client secret"),
        pytest.param(TOKEN[:-1] + "=", id="base64 padding"),
        pytest.param(TOKEN[:-1] + "+", id="plain base64"),
        pytest.param(TOKEN[:10] + "}" + TOKEN[11:], id="a brace in the hash tag"),
        pytest.param(TOKEN[:10] + "*" + TOKEN[11:], id="a pattern in the hash tag"),
        pytest.param(TOKEN[:10] + "\x00" + TOKEN[11:], id="NUL"),
        pytest.param(TOKEN[:-1] + "ſ", id="a letter that folds to s"),
        pytest.param(TOKEN[:10] + "１" + TOKEN[11:], id="a digit of another script"),
        pytest.param(TOKEN * 1000, id="very long"),
    ],
)
def test_what_cannot_be_ours_is_nothing(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_any_text_is_either_ours_to_the_letter_or_nothing(text: str) -> None:
    credential = parse(text)
    assert credential is None or re.fullmatch(r"mm_(at|ac|rt|ss)_[A-Za-z0-9_-]{65}", text, re.ASCII)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_credential_is_found_and_cut_out(kind: Kind) -> None:
    """In log, audit log, metrics and errors: tests/attacks/test_credentials_as_names.py."""
    credential = new_secret(kind, secrets.token_bytes)
    assert re.fullmatch("mm_[a-z]{2}_", kind)
    assert PATTERN.fullmatch(credential)
    assert redacted(f"got {credential}!") == f"got {kind}…!"


def test_no_prefix_stands_anywhere_else() -> None:
    """A kind that is written down beside ``Kind`` would be redacted nowhere."""
    for path in SERVICE.rglob("*.py"):
        if path.name != "credentials.py":
            assert not re.search(r"""["']mm_[a-z]{2}_["']""", path.read_text()), path
