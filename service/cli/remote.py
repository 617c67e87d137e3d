"""The client of the admin API of a running service, for ``mintmark --url``.

The token comes from the environment or a file, never from the command line, which every user of a machine can see. It is
sent only over TLS, or to this machine.
"""

import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from yarl import URL

from service.admin.errors import AdminError, AlreadyExists, Contended, InvalidInput, NotFound, Outdated
from service.admin.operations import AnyOperation
from service.cli.exits import ServiceUnusableError
from service.cli.variables import (
    CA_VARIABLE,
    CERTIFICATE_VARIABLE,
    KEY_VARIABLE,
    TOKEN_FILE_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    named,
)
from service.fronts.admin_api import problems
from service.fronts.admin_api.routes import BY_OPERATION, IF_MATCH, PREFIX, OperationRoute
from service.outbound.call_failures import reason
from service.protocol.addresses import check_web_url, is_loopback
from service.settings import SettingsError

_SECONDS = 60
_LARGEST = 64 * 1024 * 1024
_REFUSALS: Mapping[str, type[AdminError]] = {
    problems.NOT_FOUND.code: NotFound,
    problems.ALREADY_EXISTS.code: AlreadyExists,
    problems.CONTENDED.code: Contended,
    problems.OUTDATED.code: Outdated,
    problems.REFUSED.code: InvalidInput,
}


class RunningService(NamedTuple):
    """A service, and our credentials as an operator."""

    url: str
    token: str
    """"" where a client certificate is used."""
    tls: ssl.SSLContext | None


def target() -> RunningService | None:
    """Return the service that the environment names, None where operations are performed on Redis. Raises SettingsError."""
    url = os.environ.get(URL_VARIABLE, "").rstrip("/")
    if not url:
        return None
    try:
        check_web_url(url)
    except ValueError as error:
        raise SettingsError(f"{named(URL_VARIABLE)}: {error}; it is that of the service's admin_port") from error
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in url:
        raise SettingsError(f"{named(URL_VARIABLE)}: must be without user, query and fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(f"{named(URL_VARIABLE)}: must be https: a token is never sent to another machine in clear")
    tls = _tls() if parts.scheme == "https" else None
    token = _token()
    if not token and not os.environ.get(CERTIFICATE_VARIABLE):
        raise SettingsError(
            f"{TOKEN_VARIABLE}: not set; give the token of an operator in it, or in a file that --token-file names"
        )
    return RunningService(url, token, tls)


@asynccontextmanager
async def connected(
    to: RunningService,
) -> AsyncIterator[Callable[[AnyOperation, Mapping[str, Any]], Awaitable[dict[str, Any]]]]:
    """Return the function that performs operations there. Raises AdminError, SettingsError, ServiceUnusableError."""
    headers = {"Authorization": f"Bearer {to.token}"} if to.token else {}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def there(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
            operation.read(given)  # the same messages as on Redis, without a request
            return await _performed(http, to, BY_OPERATION[operation.name], given)

        yield there


async def _performed(
    http: aiohttp.ClientSession, to: RunningService, route: OperationRoute, given: Mapping[str, Any]
) -> dict[str, Any]:
    request = _request(route, given)
    try:
        async with http.request(
            route.method,
            URL(f"{to.url}{PREFIX}{_path(route, given)}", encoded=True),
            ssl=to.tls if to.tls is not None else True,
            allow_redirects=False,
            **request,
        ) as response:
            return _read(to, response, await _whole(response))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ServiceUnusableError(
            f"The service at {to.url} {reason(error)}.\n{named(URL_VARIABLE)}, is where its setting admin_port listens."
        ) from error


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a response, which may come in chunks, up to ``_LARGEST`` bytes."""
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _LARGEST:
            break
    return bytes(content)


def _request(route: OperationRoute, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body or the query, and headers. Changes apply to a record in any state, as they do on Redis."""
    others = {name: value for name, value in given.items() if name in route.other_members}
    seen = given.get(IF_MATCH) or ("*" if route.needs_match else "")
    headers = {"If-Match": str(seen)} if seen else {}
    if not route.has_body:
        query = {name: str(value) for name, value in others.items() if value not in (None, "")}
        return {"params": query, "headers": headers}
    return {"data": orjson.dumps(others), "headers": {**headers, "Content-Type": "application/json"}}


def _path(route: OperationRoute, given: Mapping[str, Any]) -> str:
    return route.path.format(**{name: quote(str(given[name]), safe="") for name in route.path_members})


def _read(to: RunningService, response: aiohttp.ClientResponse, content: bytes) -> dict[str, Any]:
    """Return the output of the operation. Raises the error in the response."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = None
    if response.ok and isinstance(body, dict):
        return body
    if response.content_type != problems.CONTENT_TYPE or not isinstance(body, dict):
        raise ServiceUnusableError(
            f"What answers at {to.url} is no admin API (status {response.status}): is it the port admin_port, and are "
            "admin_tokens set there?"
        )
    code, detail = body.get("code"), str(body.get("detail"))
    if refusal := _REFUSALS.get(str(code)):
        raise refusal(detail)
    if code in (problems.UNAUTHORIZED.code, problems.FORBIDDEN.code):
        raise SettingsError(f"The service at {to.url} does not take you for an operator: {detail}")
    raise ServiceUnusableError(f"The service at {to.url} cannot do it: {detail}")


def _token() -> str:
    path = os.environ.get(TOKEN_FILE_VARIABLE)
    token = os.environ.get(TOKEN_VARIABLE, "")
    if path:
        try:
            token = Path(path).read_text("utf-8")
        except OSError as error:
            raise SettingsError(f"{named(TOKEN_FILE_VARIABLE)}: {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{named(TOKEN_FILE_VARIABLE)}: {path} is not text in UTF-8") from error
    token = token.strip()
    if token.startswith("{"):
        raise SettingsError(f"{TOKEN_VARIABLE}: is JSON, as in the setting admin_tokens: give one of its tokens alone")
    if not token.isascii() or not token.isprintable():
        raise SettingsError(f"{TOKEN_VARIABLE}: is no token: it must be printable ASCII")
    return token


def _tls() -> ssl.SSLContext:
    files = (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
    authority, certificate, key = (_readable(name) for name in files)
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise SettingsError(f"{named(CA_VARIABLE)}: {authority} has no certificate in PEM") from error
    try:
        if certificate:
            context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise SettingsError(
            f"{named(CERTIFICATE_VARIABLE)}: {certificate} is no PEM, or its key ({named(KEY_VARIABLE)}) is another one's"
        ) from error
    return context


def _readable(variable: str) -> str | None:
    path = os.environ.get(variable) or None
    if path and not os.access(path, os.R_OK):
        raise SettingsError(f"{named(variable)}: {path} cannot be read")
    return path
