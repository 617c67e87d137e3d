"""Credentials are cut out of texts, whatever kind they are and wherever they stand."""

from collections.abc import Iterator

import pytest

from service.admin.errors import AdminError
from service.observe.known_secrets import know_secrets_of
from service.protocol.checked_types import identifier, readable
from service.protocol.credentials import Kind
from service.protocol.errors import InvalidRequest
from service.protocol.redaction import know, redacted
from tests.world import settings_for

HEADER, PAYLOAD, SIGNATURE = "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJhbGljZSJ9", "c2lnbmF0dXJl"
CREDENTIALS = [
    *(kind + "aB-_9" * 13 for kind in Kind),
    f"{HEADER}.{PAYLOAD}.{SIGNATURE}",
    f"{HEADER}.{PAYLOAD}.",
    f"{HEADER}.{PAYLOAD}",
    f"{HEADER}.a2V5.aXY.{PAYLOAD}.dGFn",
    f"eyAiYWxnIjogIm5vbmUiIH0.{PAYLOAD}.",
    f"eyJhbGci.{PAYLOAD}",
    f"ewogImFsZyI6ICJub25lIn0.{PAYLOAD}.",
    f"ew0KImFsZyI6ICJub25lIn0.{PAYLOAD}.",
    "whsec_" + "c2VjcmV0c2VjcmV0",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize(
    "text", ["{}", "no grant '{}'", '["{}"]', "https://id.example/?x={}&y=1", "grant:{}", "a\n{}\nb"]
)
def test_a_credential_is_cut_out_of_every_text(credential: str, text: str) -> None:
    cut = redacted(text.format(credential))
    for part in credential.removeprefix("eyJ")[6:].split("."):
        assert not part or part not in cut
    assert "…" in cut


@pytest.mark.parametrize(
    "text",
    [
        "Basic YXBwOnNlY3JldHNlY3JldA==",
        "Bearer opaque-token-of-another",
        "DPoP opaque-token-of-another",
        "basic 1234567890123456",
        "bearer  opaque-token-of-another",
    ],
)
def test_what_an_authorization_header_carries_is_cut_out(text: str) -> None:
    assert redacted(f"got {text}.") == f"got {text.partition(' ')[0]} …"


def test_what_is_left_tells_what_it_was() -> None:
    assert redacted(f"{HEADER}.{PAYLOAD}. mm_at_abc whsec_abc") == "eyJ… mm_at_… whsec_…"


@pytest.mark.parametrize(
    "text",
    [
        'Bearer realm="mintmark"',
        "eyes.example",
        "client web of alice@example.com",
        "basic form",
        "mm_xx_abc mm_at",
        "Bearer 123456789012345",
        "eyJabcd.e",
        "whsec_",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.fixture
def knowing() -> Iterator[None]:
    know_secrets_of(
        settings_for(
            "redis://mintmark:p%40ss-word-of-redis@127.0.0.1/0",
            admin_port=0,
            admin_tokens={"ci": "an-operator-token-" + "o" * 20},
            decision_api_keys={"shop": "an-api-secret/" + "s" * 20},
            master_key="first-master-key-" + "m" * 20 + " second-master-key-" + "n" * 20,
        )
    )
    yield
    know([])


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize(
    "secret",
    [
        "p@ss-word-of-redis",
        "p%40ss-word-of-redis",
        "an-operator-token-" + "o" * 20,
        "an-api-secret/" + "s" * 20,
        "an-api-secret%2F" + "s" * 20,
        "first-master-key-" + "m" * 20,
        "second-master-key-" + "n" * 20,
    ],
)
def test_secrets_of_the_settings_are_cut_out_whatever_their_form(secret: str) -> None:
    assert redacted(f"[{secret}]") == "[…]"


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize("length", [16, 17, 20, 36, 37])
def test_the_beginning_of_a_secret_is_cut_out_too(length: int) -> None:
    """A message holds the first characters of what was sent; which of two secrets it was, may not be told apart by then."""
    know(["an-operator-token-" + "o" * 20, "an-operator-token-" + "p" * 20, "a", "token-oooooooooooo"])
    for letter in "op":
        cut = ("an-operator-token-" + letter * 20)[:length]
        assert redacted(f"The grant_type {cut} is; {cut}") == "The grant_type … is; …"


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize(
    "written",
    [
        'a "secret" of a setting',
        'a \\"secret\\" of a setting',
        "a+%22secret%22+of+a+setting",
        "a%20%22secret%22%20of%20a%20setting",
    ],
)
def test_a_secret_is_cut_out_as_json_and_urls_write_it(written: str) -> None:
    know(['a "secret" of a setting'])
    assert redacted(f"[{written}]") == "[…]"


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_error_tells_one_and_no_name_is_one(credential: str) -> None:
    secret = credential[10:]
    assert secret not in str(AdminError(f"there is no grant {credential!r}"))
    assert secret not in InvalidRequest(f"unknown: {credential}").description
    for check in (identifier, readable):
        with pytest.raises(ValueError, match="holds a credential") as refused:
            check(credential)
        assert secret not in str(refused.value)
