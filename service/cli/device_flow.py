"""A client of the device flow (RFC 8628) for any server with discovery metadata (RFC 8414).

Responses are bounded and shown without control characters; their URLs are used over plain HTTP only on this machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import aiohttp
import orjson

from service.cli.exits import LoginFailedError, ServiceUnusableError
from service.outbound.call_failures import reason
from service.protocol.addresses import is_loopback
from service.protocol.display_names import spelled_out
from service.protocol.names import GrantTypeName

_SECONDS = 30
_LARGEST = 1024 * 1024
_LONGEST_SHOWN = 500
_INTERVAL, _SLOWER = 5, 5
_LONGEST_PAUSE = 60
_LONGEST_LIFETIME = 3600


class DeviceServer(NamedTuple):
    """The metadata of a server."""

    issuer: str
    device_authorization_endpoint: str
    token_endpoint: str
    secret_in_body: bool
    """Whether the server accepts a client secret only in the body."""


class DeviceClient(NamedTuple):
    """The client; ``secret`` is "" for a public one."""

    client_id: str
    secret: str = ""


class ShownCode(NamedTuple):
    """The code and URLs for the user."""

    user_code: str
    verification_uri: str
    complete_uri: str
    """The URL that includes the code; "" where the server gave none."""
    expires_in: int
    """Seconds."""


async def discover(http: aiohttp.ClientSession, issuer: str) -> DeviceServer:
    """Return the metadata of a server. Raises LoginFailedError, ServiceUnusableError."""
    _check_url(issuer, "The issuer")
    parts = _parts(issuer.rstrip("/"), "The issuer")
    places = (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}",
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )
    for place in places:
        status, document = await _fetched(http, "GET", place)
        if status != 200 or "issuer" not in document:
            continue
        if str(document["issuer"]).rstrip("/") != issuer.rstrip("/"):
            raise LoginFailedError(f"{place} is about another issuer: {_printable(document['issuer'])}")
        return _read_metadata(document)
    raise LoginFailedError(f"{issuer} has no metadata of an OAuth server (RFC 8414).")


async def sign_in(
    http: aiohttp.ClientSession,
    server: DeviceServer,
    client: DeviceClient,
    parameters: Mapping[str, str],
    show: Callable[[ShownCode], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> dict[str, Any]:
    """Get a code, show it, and poll until the user has decided; return the token response.

    Args:
        http: Sends the requests.
        server: From ``discover``.
        client: The client.
        parameters: Further parameters: scope, resource.
        show: Shows the code.
        pause: Waits for a number of seconds.

    Raises:
        LoginFailedError: The user denied the request or took too long, or the server refuses it.
        ServiceUnusableError: The server cannot be reached.
    """
    status, begun = await _posted(http, server, client, server.device_authorization_endpoint, parameters)
    if status != 200:
        raise LoginFailedError(_refusal(status, begun, client))
    code, device_code = _read_code(begun), str(begun.get("device_code", ""))
    interval = _seconds(begun.get("interval"), _INTERVAL, _LONGEST_PAUSE)
    show(code)
    form = {"grant_type": GrantTypeName.DEVICE_CODE.value, "device_code": device_code}
    ends = time.monotonic() + code.expires_in
    while time.monotonic() + interval < ends:
        await pause(interval)
        try:
            status, answer = await _posted(http, server, client, server.token_endpoint, form)
        except _UnreachableError:  # poll less often (RFC 8628 section 3.5)
            interval = min(2 * interval, _LONGEST_PAUSE)
            continue
        if status == 200 and isinstance(answer.get("access_token"), str):
            return answer
        error = answer.get("error")
        if error == "slow_down":
            interval += _SLOWER
        elif status < 500 and error != "authorization_pending":
            raise LoginFailedError(_ENDS.get(str(error), _refusal(status, answer, client)))
    raise LoginFailedError(_ENDS["expired_token"])


_ENDS = {
    "access_denied": "You said no, or you may not sign in to this client.",
    "expired_token": "The code has expired: start again.",
}


class _UnreachableError(ServiceUnusableError):
    """The server did not answer."""


def _read_metadata(document: Mapping[str, Any]) -> DeviceServer:
    """Read the metadata of a server. Raises LoginFailedError."""
    device, token = document.get("device_authorization_endpoint"), document.get("token_endpoint")
    if not isinstance(device, str) or not isinstance(token, str):
        raise LoginFailedError("The server has no device authorization (RFC 8628).")
    for url in (device, token):
        _check_url(url, "An endpoint of the server")
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return DeviceServer(str(document["issuer"]), device, token, "client_secret_basic" not in methods)


def _read_code(begun: Mapping[str, Any]) -> ShownCode:
    """Read a device authorization response. Raises LoginFailedError where it cannot be shown."""
    complete = str(begun.get("verification_uri_complete") or "")
    code = ShownCode(
        _printable(begun.get("user_code", "")),
        str(begun.get("verification_uri") or begun.get("verification_url") or ""),
        complete,
        _seconds(begun.get("expires_in"), 0, _LONGEST_LIFETIME),
    )
    for url in (code.verification_uri, *([complete] if complete else [])):
        if _parts(url, "The address to enter the code at").scheme not in ("http", "https") or _printable(url) != url:
            raise LoginFailedError("The server names no address to enter the code at.")
    return code


async def _posted(
    http: aiohttp.ClientSession, server: DeviceServer, client: DeviceClient, url: str, form: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    headers, sent = {}, {**form, "client_id": client.client_id}
    if client.secret and server.secret_in_body:
        sent["client_secret"] = client.secret
    elif client.secret:
        headers["Authorization"] = aiohttp.encode_basic_auth(client.client_id, client.secret)
    return await _fetched(http, "POST", url, sent, headers)


async def _fetched(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object of a response, an empty one where it has none. Raises _UnreachableError."""
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with http.request(
            method, url, data=form, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            content = await response.content.read(_LARGEST)
            while not response.content.at_eof() and len(content) < _LARGEST:
                content += await response.content.read(_LARGEST - len(content))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _UnreachableError(f"{url} {reason(error)}") from error
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = {}
    return response.status, body if isinstance(body, dict) else {}


def _check_url(url: str, what: str) -> None:
    """Refuse plain HTTP except to this machine, as credentials would go in clear. Raises LoginFailedError."""
    parts = _parts(url, what)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not is_safe or not parts.hostname or "@" in parts.netloc:
        raise LoginFailedError(_unsafe(url, what))


def _unsafe(url: str, what: str) -> str:
    usable = "an https URL, or an http URL of this machine (http://127.0.0.1:8080)"
    return f"{what} has to be {usable}: {_printable(url)}"


def _parts(url: str, what: str) -> SplitResult:
    """Return the parts of a URL. Raises LoginFailedError for an invalid one."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise LoginFailedError(_unsafe(url, what)) from error


def _seconds(value: object, otherwise: int, most: int) -> int:
    return (
        max(1, min(int(value), most)) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
    )


def _refusal(status: int, answer: Mapping[str, Any], client: DeviceClient) -> str:
    said = [_printable(answer[name]) for name in ("error", "error_description") if answer.get(name)]
    is_without = answer.get("error") == "invalid_client" and not client.secret
    hint = "\nIf the client has a secret, pipe it in with --secret-stdin." if is_without else ""
    return f"The server refuses: {': '.join(said) or f'status {status}'}{hint}"


def _printable(text: object) -> str:
    return spelled_out(" ".join(str(text)[:_LONGEST_SHOWN].split()))
