"""The operator's own requests to the API server: Secrets, rights, and the status of objects. kopf does the watching."""

import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

import aiohttp
import orjson

from service.declared import API_VERSION
from service.operator.metrics import RequestOutcome
from service.outbound.call_failures import reason

KubeObject = dict[str, Any]
_REVIEWS = "authorization.k8s.io/v1"
_SECONDS = 30


class ConflictError(Exception):
    """Another caller was first: the object is there already, or has changed since it was read."""


class ApiServerError(Exception):
    """The API server refuses, or cannot be reached."""


class ApiServerAccess(Protocol):
    """The address of the API server and our credentials, in kopf's form."""

    @property
    def server(self) -> str:
        """The URL of the API server."""
        ...

    def as_http_headers(self) -> dict[str, str]:
        """Return the headers with our credentials."""
        ...

    def as_ssl_context(self) -> Any:  # noqa: ANN401 (ssl.SSLContext; kopf leaves it open)
        """Return the TLS context, with the trusted certificates."""
        ...


class ApiServer:
    """The API server, called with the operator's account."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        connect: Callable[[], ApiServerAccess],
        answered: Callable[[RequestOutcome], None] = lambda _answer: None,
    ) -> None:
        """Make a client of the API server.

        Args:
            http: Sends requests.
            connect: Returns the current credentials, as tokens of service accounts are replaced every hour.
            answered: Called with the outcome of each request.
        """
        self._http = http
        self._connect = connect
        self._answered = answered
        self._tls: Any = None

    async def knows_kinds(self) -> bool:
        """Whether the definitions of our kinds are installed. Raises ApiServerError."""
        return await self._ask("GET", f"/apis/{API_VERSION}") is not None

    async def rules_of(self, namespace: str) -> list[KubeObject]:
        """Return the rights of our account in a namespace, as far as the API server lists them. Raises ApiServerError."""
        review = {"apiVersion": _REVIEWS, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
        found = await self._ask("POST", f"/apis/{_REVIEWS}/selfsubjectrulesreviews", review)
        rules: list[KubeObject] = (found or {}).get("status", {}).get("resourceRules") or []
        return rules

    async def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether our account has a right.

        Args:
            verb: The verb, such as ``list``.
            group: The API group of the resource, "" for the group of Secrets.
            resource: The plural of the resource, with ``/status`` for that subresource.
            namespace: The namespace; "" for all.

        Raises:
            ApiServerError: There is no answer.
        """
        name, _, part = resource.partition("/")
        attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
        spec = {"resourceAttributes": attributes}
        review = {"apiVersion": _REVIEWS, "kind": "SelfSubjectAccessReview", "spec": spec}
        found = await self._ask("POST", f"/apis/{_REVIEWS}/selfsubjectaccessreviews", review)
        return bool((found or {}).get("status", {}).get("allowed"))

    async def declares(self, plural: str, namespace: str, name: str, uid: str) -> bool:
        """Whether this very object is there and not being deleted. Raises ApiServerError."""
        found = await self._ask("GET", f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}/{name}")
        metadata = (found or {}).get("metadata", {})
        return metadata.get("uid") == uid and "deletionTimestamp" not in metadata

    async def secret(self, namespace: str, name: str) -> KubeObject | None:
        """Return a Secret, None where there is none. Raises ApiServerError."""
        return await self._ask("GET", _secrets(namespace, name))

    async def create_secret(self, namespace: str, secret: KubeObject) -> KubeObject:
        """Create a Secret. Raises ConflictError where it exists, ApiServerError."""
        if (made := await self._ask("POST", _secrets(namespace), secret)) is None:
            raise ApiServerError(f"namespace {namespace} is not there")
        return made

    async def replace_secret(self, namespace: str, secret: KubeObject) -> KubeObject:
        """Replace a Secret that was read. Raises ConflictError where it has changed since, ApiServerError."""
        name = secret["metadata"]["name"]
        if (replaced := await self._ask("PUT", _secrets(namespace, name), secret)) is None:
            raise ConflictError(f"Secret {name} is gone")
        return replaced

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        """Delete this very Secret, if it is still there. Raises ApiServerError."""
        try:
            await self._ask("DELETE", _secrets(namespace, name), {"preconditions": {"uid": uid}})
        except ConflictError:
            return

    async def write_status(self, plural: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Write the status of an object, if it is still there. Raises ApiServerError."""
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}/{name}/status"
        await self._ask("PATCH", path, {"status": status}, content_type="application/merge-patch+json")

    async def touch_all(self, plural: str, namespace: str, annotation: str, value: str) -> None:
        """Write an annotation on every object of a namespace, so that kopf sees a change of each. Raises ApiServerError."""
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}"
        changed = {"metadata": {"annotations": {annotation: value}}}
        for one in (await self._ask("GET", path) or {}).get("items", []):
            name = one["metadata"]["name"]
            await self._ask("PATCH", f"{path}/{name}", changed, content_type="application/merge-patch+json")

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> KubeObject | None:
        connection = self._connect()
        if self._tls is None:
            self._tls = connection.as_ssl_context()
        headers = connection.as_http_headers() | ({"Content-Type": content_type} if body is not None else {})
        try:
            async with self._http.request(
                method,
                connection.server + path,
                json=body,
                headers=headers,
                ssl=self._tls,
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
            ) as response:
                is_ok = response.ok or response.status == HTTPStatus.NOT_FOUND
                self._answered(RequestOutcome.OK if is_ok else RequestOutcome.REFUSED)
                return await _read(response, f"{method} {path}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._answered(RequestOutcome.FAILED)
            if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
                self._tls = None  # the certificate authority may have changed
            raise ApiServerError(f"{method} {path}: the API server {reason(error)}") from error


async def _read(response: aiohttp.ClientResponse, call: str) -> KubeObject | None:
    if response.status == HTTPStatus.NOT_FOUND:
        return None
    if response.status == HTTPStatus.CONFLICT:
        raise ConflictError(call)
    try:
        found = orjson.loads(await response.read())
    except orjson.JSONDecodeError:
        found = None  # the response of a proxy
    if not response.ok:
        why = found.get("message") if isinstance(found, dict) else "and no JSON"
        raise ApiServerError(f"{call}: {response.status} {why}")
    if not isinstance(found, dict):
        raise ApiServerError(f"{call}: {response.status} and no object of JSON")
    return found


def _secrets(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")
