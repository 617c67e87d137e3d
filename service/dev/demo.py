"""The demo: its settings, a client, a user, and commands that can be pasted into a shell as they are."""

import json
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

from service.admin import clients, users
from service.admin.client_input import ClientInput
from service.admin.errors import AlreadyExists
from service.admin.users import UserInput
from service.dev import mcp_demo
from service.grants import GRANT_TYPES
from service.issuer import Issuer
from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.credentials import Kind, new_secret
from service.protocol.names import OFFLINE_ACCESS, OPENID
from service.settings import Settings

CLIENT_ID, CLIENT_SECRET = "demo", "demo-secret"
USERNAME, PASSWORD = "alice", "wonderland"
KNOWN_MASTER_KEY = "mintmark-demo-master-key-that-is-no-secret"
"""The master key on a Redis that was given to the demo, where nothing is kept in files."""
CLAIMS: dict[str, Any] = {
    "name": "Alice Liddell",
    "given_name": "Alice",
    "family_name": "Liddell",
    "nickname": "Alice",
    "preferred_username": "alice",
    "email": "alice@example.com",
    "email_verified": True,
    "locale": "en",
}
SCOPES = {"read": "Read your data", "write": "Change your data"}
CALLBACK_PATH = "/demo/callback"
REDIRECT_URI = f"http://127.0.0.1:8080{CALLBACK_PATH}"


OPERATOR = "demo"
"""The name of the operator's token, under which the audit log records its holder."""


class Console(NamedTuple):
    """The port of the console, and the token to sign in with."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """The URL for a browser on this machine."""
        return f"http://127.0.0.1:{self.port}/console"


class Lesson(NamedTuple):
    """Commands that belong together, each on one line."""

    title: str
    commands: tuple[str, ...]


def master_key_in(folder: Path) -> str:
    """Return the demo's own master key, made on the first run."""
    return _kept(folder / "master_key", new_secret(Kind.MASTER_KEY, secrets.token_bytes)).strip()


def operator_token_in(folder: Path) -> str:
    """Return the operator's token of the demo, made on the first run and kept as the setting ``admin_tokens``."""
    tokens = _kept(
        folder / "admin_tokens", json.dumps({OPERATOR: new_secret(Kind.OPERATOR_TOKEN, secrets.token_bytes)})
    )
    return str(json.loads(tokens)[OPERATOR])


def _kept(path: Path, new: str) -> str:
    """Return the content of a file that only its owner can read; on the first run it is made with ``new``."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(new)
    return path.read_text()


DEMO_FOLDER = Path(".mintmark")
"""The folder for the demo's own files, within the folder that it was started in."""


def is_running_in(folder: Path) -> bool:
    """Whether the Redis of a demo that was started there answers."""
    try:
        url = (folder / "redis_url").read_text().strip()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(unquote(urlsplit(url).path))
    except (OSError, ValueError):
        return False
    return True


def leave_redis_url_in(folder: Path, url: str) -> None:
    """Write the URL beside the master key, so that with MINTMARK_SECRETS_DIR every command uses this demo."""
    (folder / "redis_url").write_text(url)


def sign_in_url(url: str) -> str:
    """Return a URL for a browser, which signs the user in, asks for consent, and leads back with a code."""
    query = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": url + CALLBACK_PATH}
    return f"{url}/authorize?{urlencode(query | {'scope': f'{OPENID} profile read'})}"


def settings_of(port: int, redis_url: str, master_key: str, console: Console | None = None) -> dict[str, Any]:
    """Return the arguments of the demo for ``settings.load``."""
    operators = {"admin_port": console.port, "admin_tokens": {OPERATOR: console.token}} if console else {}
    return {
        **operators,
        "host": "127.0.0.1",
        "port": port,
        "issuer": f"http://127.0.0.1:{port}",
        "redis_url": redis_url,
        "master_key": master_key,
        "scopes": SCOPES,
        "log_level": "INFO",
        "log_format": "text",
    }


def for_agents(given: dict[str, Any]) -> dict[str, Any]:
    """Return the same settings, with those for clients of an MCP server that register by themselves."""
    return {**given, **mcp_demo.SETTINGS, "scopes": {**given["scopes"], mcp_demo.SCOPE: "Use the tools of the demo"}}


_HONOURED = ("log_level", "log_format", "scopes")
"""Settings for which the demo uses its own value only if neither environment nor files have one."""
_HOW = {"redis_url": "give it with --redis", "master_key": "taken with --redis"}


def without_honoured(given: dict[str, Any], origins: Mapping[str, str]) -> dict[str, Any]:
    """Return the demo's settings without those that environment or files set and the demo honours.

    Args:
        given: The demo's settings.
        origins: The source of each setting, see ``settings.origins``.
    """
    return {name: value for name, value in given.items() if name not in _HONOURED or origins[name] == "default"}


def overridden(given: Mapping[str, Any], origins: Mapping[str, str], folder: Path) -> list[str]:
    """Return the settings that are set elsewhere but overridden by the demo, with a hint how to use them.

    Args:
        given: The demo's settings.
        origins: The source of each setting, see ``settings.origins``.
        folder: The demo's own folder, whose values count as its own.
    """
    own = ("default", str(folder), str(folder.absolute()))
    names = [name for name in given if name != "port" and origins[name] not in own]
    return [f"{name} ({_HOW[name]})" if name in _HOW else name for name in names]


def client_input(client_id: str = CLIENT_ID, **members: object) -> ClientInput:
    """Return a client with every grant type and scope."""
    everything = {
        "client_id": client_id,
        "name": "Demo",
        "grant_types": tuple(GRANT_TYPES),
        "redirect_uris": (REDIRECT_URI,),
        "post_logout_redirect_uris": (REDIRECT_URI,),
        "scopes": (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS, *SCOPES),
        "default_scope": "read",
    }
    return ClientInput.read(everything | members)


async def prepare(issuer: Issuer) -> None:
    """Create the client and the user, unless they are there from an earlier run."""
    with suppress(AlreadyExists):
        await clients.create_client(issuer, client_input(), CLIENT_SECRET)
    with suppress(AlreadyExists):
        await users.create_user(issuer, UserInput(username=USERNAME, claims=CLAIMS), PASSWORD)


def lessons(settings: Settings, url: str, mintmark: str) -> list[Lesson]:
    """Return what to try, in this order.

    Args:
        settings: Of the demo.
        url: Of the demo.
        mintmark: The command that calls `mintmark` for this demo, quoted for the shell.
    """
    token = url + settings.token_paths[0]
    curl = f"curl -sS -u {CLIENT_ID}:{CLIENT_SECRET}"
    return [
        _lesson(
            "A token for the client itself (client_credentials)",
            f"{curl} -w '\\n' -d grant_type=client_credentials -d scope=read {token}",
        ),
        _lesson(
            f"Tokens for {USERNAME}, by password",
            f"{curl} -w '\\n' -d grant_type=password -d username={USERNAME} -d password={PASSWORD} {token}",
        ),
        _lesson(
            f"A code for {USERNAME}, and the tokens that it buys within {settings.code_lifetime} seconds",
            f"CODE=$({mintmark} grant code --client {CLIENT_ID} --user {USERNAME} --scope 'read write')",
            f'TOKENS=$({curl} -d grant_type=authorization_code -d "code=$CODE" {token}); echo "$TOKENS"',
        ),
        _lesson(
            "New tokens for the refresh token",
            f'REFRESH=$(echo "$TOKENS" | {_member("refresh_token")})',
            f'TOKENS=$({curl} -d grant_type=refresh_token -d "refresh_token=$REFRESH" {token}); echo "$TOKENS"',
        ),
        _lesson(
            "What is this token?",
            f'ACCESS=$(echo "$TOKENS" | {_member("access_token")})',
            f"{curl} -w '\\n' -d \"token=$ACCESS\" {url}/introspect",
        ),
        _lesson(
            "Revoke it, and ask again",
            f'{curl} -d "token=$ACCESS" {url}/revoke',
            f"{curl} -w '\\n' -d \"token=$ACCESS\" {url}/introspect",
        ),
        _lesson("What this server can do", f"curl -sS -w '\\n' {url}/.well-known/openid-configuration"),
        _lesson(
            "Look after it",
            f"{mintmark} grant list --user {USERNAME}",
            f"{mintmark} client show {CLIENT_ID}",
            f"{mintmark} --help",
        ),
    ]


def _lesson(title: str, *commands: str) -> Lesson:
    return Lesson(title, commands)


def _member(name: str) -> str:
    return f"python3 -c 'import json, sys; print(json.load(sys.stdin)[\"{name}\"])'"
