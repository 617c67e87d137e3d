"""``mintmark login``: sign in from a terminal by the device flow (RFC 8628), at this service or any other."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import segno
import typer

from service.cli.device_flow import DeviceClient, DeviceServer, ShownCode, discover, sign_in
from service.cli.exits import LoginFailedError
from service.cli.json_output import Json, emit
from service.cli.output import say
from service.cli.private_files import write_privately
from service.cli.prompts import hidden
from service.crypto.jws import UnverifiableError, parse
from service.protocol.display_names import spelled_out

_LONGEST_ID_TOKEN = 64 * 1024
"""Characters; an ID token that lists all groups of a user is long."""


def login(
    issuer: Annotated[str, typer.Argument(metavar="ISSUER", help="URL of the server, as its metadata has it.")],
    client_id: Annotated[
        str, typer.Option("--client-id", help="The client, which may use the device flow there.", metavar="CLIENT_ID")
    ],
    scope: Annotated[str, typer.Option(help="The scopes to request, separated by blanks.", metavar="SCOPE")] = "",
    resource: Annotated[str, typer.Option(help="The API that the access token is for (RFC 8707).", metavar="URL")] = "",
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the client's secret from standard input.", metavar="")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Keep the tokens in this file, which only you may read; otherwise in ~/.config/mintmark.",
            metavar="FILE",
        ),
    ] = None,
    qr: Annotated[
        bool | None,
        typer.Option("--qr/--no-qr", help="Show the link as a QR code; by default only on a terminal.", metavar=""),
    ] = None,
    json: Json = False,
) -> None:
    """Sign in with a browser on any device, and keep the tokens; no browser is needed here.

    Example: `mintmark login https://auth.example.com --client-id cli --scope "openid offline_access"`

    The tokens are kept in a file that only you may read, and are not shown; with --json they are printed, and kept nowhere
    unless --output names a file. Works with every server that has RFC 8628 in its metadata.
    """
    client = DeviceClient(client_id, hidden("secret", "--secret-stdin", from_stdin=True) if secret_stdin else "")
    parameters = {name: value for name, value in (("scope", scope), ("resource", resource)) if value}
    shows_qr = sys.stderr.isatty() if qr is None else qr
    server, tokens = asyncio.run(_signed_in(issuer, client, parameters, shows_qr=shows_qr))
    kept = {
        "issuer": server.issuer,
        "client_id": client_id,
        "token_endpoint": server.token_endpoint,
        "obtained_at": int(time.time()),
        **tokens,
    }
    who = _subject(tokens, server, client)
    place = output or (None if json else _default_place(server.issuer))
    if place is not None:
        keep_privately(place, orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
        say(f"Signed in{f' as {who}' if who else ''}. The tokens are in {place}")
    if json:
        emit(kept)


async def _signed_in(
    issuer: str, client: DeviceClient, parameters: dict[str, str], *, shows_qr: bool
) -> tuple[DeviceServer, dict[str, Any]]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        server = await discover(http, issuer)
        return server, await sign_in(http, server, client, parameters, lambda code: _show(code, shows_qr=shows_qr))


def _show(code: ShownCode, *, shows_qr: bool) -> None:
    if shows_qr:
        qr = segno.make(code.complete_uri or code.verification_uri, micro=False)
        qr.terminal(out=sys.stderr, border=2, compact=True)
    say(f"Open   {code.verification_uri}\nEnter  {code.user_code}")
    if code.complete_uri:
        say(f"or open {code.complete_uri}\nand compare the code.")
    say(f"Waiting, for {code.expires_in // 60 or 1} minutes at most. Ctrl-C gives up.")


def keep_privately(place: Path, content: bytes) -> None:
    """Write a file that only its owner may read, and its folder. Raises LoginFailedError."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_privately(place, content)
    except OSError as error:
        raise LoginFailedError(f"{place} cannot be written: {error.strerror}") from error


def _default_place(issuer: str) -> Path:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    parts = urlsplit(issuer)
    name = "".join(
        letter if letter.isalnum() or letter in ".-" else "_" for letter in parts.netloc + parts.path.rstrip("/")
    )
    return home / "mintmark" / f"{name}.json"


def _subject(tokens: dict[str, Any], server: DeviceServer, client: DeviceClient) -> str:
    """Return the subject of the ID token, "" where there is none.

    The token came from the server over TLS, so its signature need not be checked (OpenID Connect Core 3.1.3.7). Raises
    LoginFailedError for a token that is not for this client.
    """
    text = tokens.get("id_token")
    if not isinstance(text, str):
        return ""
    try:
        claims = parse(text, _LONGEST_ID_TOKEN).claims()
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        is_ours = claims["iss"] == server.issuer and client.client_id in audience and claims["exp"] > time.time()
    except (UnverifiableError, KeyError, TypeError) as error:
        raise LoginFailedError("The ID token of the server cannot be read.") from error
    if not is_ours:
        raise LoginFailedError("The ID token of the server is for another client, of another issuer, or too old.")
    named = str(claims.get("preferred_username") or claims.get("name") or claims.get("sub", ""))
    return spelled_out(" ".join(named[:200].split()))
