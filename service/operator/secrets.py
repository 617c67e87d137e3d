"""The content of the Secret that an object names.

A new secret is written into the Secret first, which only one of two replicas can create or replace, and is imported into the
service then. So a replica that was interrupted in between, or comes second, finds it there and imports the same.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from service.admin.client_secrets import check_secret
from service.admin.errors import InvalidInput
from service.declared import API_VERSION, GROUP
from service.declared.manifest import SecretPlace
from service.operator.api_server import ApiServer, ConflictError, KubeObject
from service.operator.status import Reason
from service.protocol.credentials import Kind, new_secret

ROTATE = "mintmark.dev/rotate-secret"
"""The annotation of an object by which the client gets a new secret, whenever its value changes."""
_RANDOM_BYTES = 32
_DEFAULT_KEY = str(SecretPlace.model_fields["client_secret_key"].default)
_MANAGER = {"app.kubernetes.io/managed-by": "mintmark-operator"}


class SecretProblem(Exception):
    """The Secret cannot be used as it is."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class CurrentSecret(NamedTuple):
    """A Secret as it is now."""

    name: str
    version: str
    """A value that differs after every change of the Secret."""
    client_secret: str | None
    """The client's secret, None where the client needs none."""
    done: str = ""
    """A sentence about what was done to it, "" for nothing."""
    secret_key: str = ""
    """The key of the secret in it."""


class WantedSecret(NamedTuple):
    """The wanted content of a Secret."""

    place: SecretPlace
    client_id: str
    issuer: str
    needs_secret: bool
    least: int
    """The least number of characters of the secret, which is higher where the client signs with it."""
    is_ended: bool = False
    """Whether the secret that was imported last was ended at the service."""


async def settle_secret(
    api_server: ApiServer, body: Mapping[str, Any], wanted: WantedSecret, randomness: Callable[[int], bytes]
) -> CurrentSecret:
    """Create or correct the Secret, and return it.

    Args:
        api_server: The API server.
        body: The object that names the Secret.
        wanted: Its wanted content.
        randomness: Returns so many random bytes.

    Raises:
        SecretProblem: It was not made for this object and holds no usable secret, or it belongs to another object.
        ConflictError: Another caller changes it at the same time.
        ApiServerError: The API server refuses.
    """
    namespace, name = body["metadata"]["namespace"], wanted.place.name
    found = await api_server.secret(namespace, name)
    if found is None:
        try:
            value = await _moved(api_server, body, wanted) or _made(wanted, randomness)
            found = await api_server.create_secret(namespace, _new(body, wanted, value))
            return _current(found, wanted, f"Secret {name} is written")
        except ConflictError:
            found = await api_server.secret(namespace, name)
            if found is None:
                raise
    if not is_ours(found, body):
        return _given(found, body, wanted)
    is_new = wanted.needs_secret and (_is_rotated(found, body) or _is_ended(found, body, wanted))
    value = _kept(found, body, wanted) if wanted.needs_secret and not is_new else ""
    if len(value) < wanted.least:
        value = _made(wanted, randomness)
    if _members(wanted, value).items() <= _data(found).items() and not is_new:
        _check_fit(wanted, value)
        return _current(found, wanted)
    found = await api_server.replace_secret(namespace, _changed(found, body, wanted, value))
    return _current(found, wanted, f"Secret {name} has a new secret" if is_new else f"Secret {name} is put right")


def is_ours(secret: KubeObject, body: Mapping[str, Any]) -> bool:
    """Whether a Secret was made for this object."""
    return any(owner["uid"] == body["metadata"]["uid"] for owner in _owners(secret))


def _owners(secret: KubeObject) -> list[dict[str, Any]]:
    return secret["metadata"].get("ownerReferences") or []


def _imported(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the secret that was imported last."""
    return (body.get("status") or {}).get("secret") or {}


def _is_rotated(found: KubeObject, body: Mapping[str, Any]) -> bool:
    """Whether the annotation requests a new secret; removing it from the object or the Secret does not."""
    return _rotation(body) not in ("", _rotation(found), _imported(body).get("rotation"))


def _is_ended(found: KubeObject, body: Mapping[str, Any], wanted: WantedSecret) -> bool:
    """Whether its secret was ended at the service, and the Secret has not changed since."""
    return wanted.is_ended and _imported(body).get("version") == _version(found)


def _kept(found: KubeObject, body: Mapping[str, Any], wanted: WantedSecret) -> str:
    """Return the secret that is in it, also under the key that was used until now."""
    data, key = _data(found), wanted.place.client_secret_key
    return data.get(key) or data.get(_imported(body).get("secretKey") or _DEFAULT_KEY) or ""


def _changed(found: KubeObject, body: Mapping[str, Any], wanted: WantedSecret, value: str) -> KubeObject:
    """Return the Secret with its wanted content; members that others added stay."""
    changed, new = deepcopy(found), _new(body, wanted, value)
    metadata = changed["metadata"]
    metadata["labels"] = (metadata.get("labels") or {}) | _MANAGER
    rotation = _rotation(body) or _rotation(found)
    metadata["annotations"] = (metadata.get("annotations") or {}) | {ROTATE: rotation}
    data = dict(found.get("data") or {})
    if wanted.needs_secret:
        data.pop(_imported(body).get("secretKey") or _DEFAULT_KEY, None)
    changed["data"] = data | new["data"]
    return changed


def _check_fit(wanted: WantedSecret, value: str) -> None:
    """Raise SecretProblem for a secret that no client can have, before the service ends the current one."""
    if not wanted.needs_secret:
        return
    name, key = wanted.place.name, wanted.place.client_secret_key
    if value.rstrip("\r\n") != value:
        text = "ends in a newline, which is no part of a secret: write it without one (printf %s, not echo)"
        raise SecretProblem(Reason.SECRET_UNFIT, f"Secret {name}: what is under {key} {text}")
    if len(value) < wanted.least:
        text = (
            f"has {len(value)} characters, and needs {wanted.least} or more for the client's auth_method and algorithm"
        )
        raise SecretProblem(Reason.SECRET_UNFIT, f"Secret {name}: what is under {key} {text}")
    try:
        check_secret(value)
    except InvalidInput as error:
        raise SecretProblem(Reason.SECRET_UNFIT, f"Secret {name}: what is under {key} cannot be it: {error}") from error


def _given(found: KubeObject, body: Mapping[str, Any], wanted: WantedSecret) -> CurrentSecret:
    """Return a Secret that others made, which is read and never written. Raises SecretProblem."""
    name, key = wanted.place.name, wanted.place.client_secret_key
    if any(owner["kind"] == body["kind"] and owner["name"] == body["metadata"]["name"] for owner in _owners(found)):
        raise SecretProblem(
            Reason.SECRET_GOING, f"Secret {name} belongs to an object of this name that was deleted; it goes with it"
        )
    if others := [owner for owner in _owners(found) if owner["apiVersion"].startswith(f"{GROUP}/")]:
        raise SecretProblem(
            Reason.SECRET_NOT_OURS,
            f"Secret {name} belongs to {others[0]['kind']} {others[0]['name']}: name another one in spec.secret.name",
        )
    if wanted.needs_secret and not _data(found).get(key):
        raise SecretProblem(
            Reason.SECRET_NOT_OURS,
            f"Secret {name} is there already, was not made for this object, and has no key {key}: name another one in "
            "spec.secret.name, or give it that key with the secret that the client shall have",
        )
    if _is_ended(found, body, wanted):
        raise SecretProblem(
            Reason.SECRET_ENDED,
            f"the secret in Secret {name} was ended at the service, and does not come back by itself: write another one "
            "into it (any change of the Secret gives the client what is in it then)",
        )
    _check_fit(wanted, _data(found).get(key, ""))
    return _current(found, wanted)


def _current(found: KubeObject, wanted: WantedSecret, done: str = "") -> CurrentSecret:
    value = _data(found).get(wanted.place.client_secret_key) if wanted.needs_secret else None
    return CurrentSecret(wanted.place.name, _version(found), value, done, wanted.place.client_secret_key)


def _version(found: KubeObject) -> str:
    return f"{found['metadata']['uid']}/{found['metadata']['resourceVersion']}"


async def _moved(api_server: ApiServer, body: Mapping[str, Any], wanted: WantedSecret) -> str:
    """Return the secret in the Secret that the object named before; "" where there is none."""
    before = _imported(body).get("name")
    if not before or before == wanted.place.name or not wanted.needs_secret or wanted.is_ended:
        return ""
    found = await api_server.secret(body["metadata"]["namespace"], before)
    value = _kept(found, body, wanted) if found and is_ours(found, body) else ""
    return value if len(value) >= wanted.least else ""


def _made(wanted: WantedSecret, randomness: Callable[[int], bytes]) -> str:
    return new_secret(Kind.CLIENT_SECRET, randomness, max(_RANDOM_BYTES, wanted.least)) if wanted.needs_secret else ""


def _new(body: Mapping[str, Any], wanted: WantedSecret, client_secret: str) -> KubeObject:
    metadata = body["metadata"]
    owner = {"apiVersion": API_VERSION, "kind": body["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": wanted.place.name,
            "labels": dict(_MANAGER),
            "annotations": {ROTATE: _rotation(body)},
            "ownerReferences": [owner | {"controller": True}],
        },
        "type": "Opaque",
        "data": {name: b64encode(one.encode()).decode() for name, one in _members(wanted, client_secret).items()},
    }


def _members(wanted: WantedSecret, client_secret: str) -> dict[str, str]:
    members = {wanted.place.client_id_key: wanted.client_id, "issuer": wanted.issuer}
    if wanted.needs_secret:
        members[wanted.place.client_secret_key] = client_secret
    return {name: value for name, value in members.items() if value}


def _data(secret: KubeObject) -> dict[str, str]:
    return {name: b64decode(one).decode("utf-8", "replace") for name, one in (secret.get("data") or {}).items()}


def _rotation(body: Mapping[str, Any]) -> str:
    return str((body["metadata"].get("annotations") or {}).get(ROTATE, ""))
