"""Every refusal has a reason, and every reason says what to do: the table against the code, the commands and the settings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

import service
from service.cli.program import program
from service.grants.device_code import PresentedDeviceCode
from service.protocol import errors
from service.protocol.errors import ProtocolError, printable
from service.protocol.refusal_reasons import ANY, REASONS, REFUSALS, UNKNOWN, reason_of
from service.settings import Settings
from service.tokens.authorization_codes import PresentedCode
from service.tokens.backchannel_requests import PresentedBackchannelRequest
from service.tokens.refresh_tokens import PresentedRefreshToken
from service.tokens.spendable import Spendable

SERVICE = Path(service.__file__).parent
CLASSES = {
    name: kind.error
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ProtocolError) and kind is not ProtocolError
}

PAGES_OF_ERRORS = "service/fronts/browser.py"
"""Makes pages of what was refused, and recorded, before: those errors are known only when it runs."""


def _texts(node: ast.expr) -> Iterator[str]:
    """What an expression says; ``{}`` for what is known only when it runs."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    else:
        yield "{}"


def _raised() -> Iterator[tuple[str, str, str]]:
    """Every error that the code makes: where, its code, and its text for operators."""
    for path in sorted(SERVICE.rglob("*.py")):
        where = str(path.relative_to(SERVICE.parent))
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES):
                continue
            logged = [word.value for word in node.keywords if word.arg == "log"]
            for said in (logged or node.args)[:1]:
                for text in _texts(said):
                    yield f"{where}:{node.lineno}", CLASSES[node.func.id], text if logged else printable(text)


def _is_named(error: str, text: str) -> bool:
    """Whether a row has this text, rather than everything that is left."""
    rows = [one for one in REFUSALS if one.error == error]
    if len(rows) == 1:
        return True
    patterns = [re.escape(said).replace(r"\{\}", ".*") for one in rows for said in one.texts if said != "{}"]
    return any(re.fullmatch(pattern, text.replace("{}", "x")) for pattern in patterns)


def test_every_refusal_of_the_code_has_a_reason() -> None:
    raised = [one for one in _raised() if not (one[0].startswith(PAGES_OF_ERRORS) and one[2] == "{}")]
    assert len(raised) > 150
    assert not [one for one in raised if reason_of(one[1], one[2].replace("{}", "x")) == UNKNOWN]
    literal = [one for one in raised if not one[2].startswith("{}")]
    assert not [one for one in literal if not _is_named(one[1], one[2])]


def test_every_error_that_a_client_may_get_is_in_the_table() -> None:
    assert set(CLASSES.values()) <= {one.error for one in REFUSALS}


def test_what_is_not_in_the_table_has_a_reason_too() -> None:
    """The reason is a label of metrics: whatever a stranger sends, it is one of these words."""
    assert reason_of("invalid_request", "something that nobody ever wrote") == UNKNOWN
    assert reason_of("no_such_error", "") == UNKNOWN
    assert all(re.fullmatch(r"[a-z_]{3,40}", reason) for reason in REASONS)
    assert len(REASONS) < 200
    assert set(REASONS) == {UNKNOWN, *(one.reason for one in REFUSALS)}


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        ("invalid_grant", "code was already redeemed; its grant is ended", "code_replayed"),
        ("invalid_grant", "refresh token was already used; its grant is ended", "refresh_token_reused"),
        ("invalid_grant", "user_blocked", "password_blocked"),
        ("invalid_grant", "user_blocked_everywhere", "password_blocked"),
        ("invalid_grant", "address_blocked", "password_blocked"),
        ("invalid_client", "client is registered for client_secret_basic, not none", "wrong_client_auth_method"),
        ("invalid_scope", "The scope ?{}? is unknown or not allowed for this client.", "scope_not_allowed"),
        ("temporarily_unavailable", "Redis: no answer in time", "redis"),
        ("access_denied", "the caller says NOT_LOGGED_IN", "backend_refused"),
    ],
)
def test_reasons_of_texts(error: str, text: str, reason: str) -> None:
    assert reason_of(error, text) == reason


def test_texts_may_stand_in_an_error_description() -> None:
    """RFC 6749 5.2: what is told to a client is what the log says, but for what varies."""
    texts = [text.replace("{}", "x") for one in REFUSALS for text in one.texts]
    assert [printable(text) for text in texts] == texts


def test_every_row_says_why_and_what_to_do() -> None:
    assert not [one for one in REFUSALS if not (one.cause and one.remedy and one.texts)]
    assert len({(one.error, one.reason) for one in REFUSALS}) == len(REFUSALS)
    assert not [one for one in REFUSALS if "|" in one.cause + one.remedy]
    assert ANY not in CLASSES.values()


def _command_exists(words: list[str]) -> bool:
    """``client update ID --scope``: command by command, then its options."""
    command = get_command(program())
    names = [word for word in words if not word.startswith("--") and not word.isupper()]
    for name in names:
        subcommands = getattr(command, "commands", {})
        if name not in subcommands:
            return False
        command = subcommands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    return {word for word in words if word.startswith("--")} <= options


def test_what_it_tells_to_do_exists() -> None:
    """Commands with their options, and settings."""
    quoted = [word for one in REFUSALS for word in re.findall(r"`([^`]+)`", one.cause + " " + one.remedy)]
    commands = [word.split()[1:] for word in quoted if word.startswith("mintmark ")]
    assert len(commands) > 10
    assert not [words for words in commands if not _command_exists(words)]
    settings = [word.split(" = ")[0] for word in quoted if re.fullmatch(r"[a-z_0-9]+( = .*)?", word)]
    assert len(settings) > 10
    assert not [name for name in settings if name not in Settings.model_fields and not name.startswith("mintmark_")]


@pytest.mark.parametrize("kind", errors.PollingError.__subclasses__(), ids=lambda kind: kind.error)
def test_the_answers_to_polls_know_their_reason(kind: type[errors.PollingError]) -> None:
    assert kind.reason == reason_of(kind.error, kind.description)


def test_what_is_spent_once_has_reasons_of_its_own() -> None:
    """Their texts are made of a name, so that they stand nowhere as a whole."""
    credentials: list[type[Spendable]] = [
        PresentedCode,
        PresentedDeviceCode,
        PresentedBackchannelRequest,
        PresentedRefreshToken,
    ]
    for kind in credentials:
        for text in (kind.REPLAY, f"{kind.NAME} or its grant ended meanwhile"):
            assert reason_of("invalid_grant", text) not in ("assertion_unusable", UNKNOWN), text
