"""What stands in the Secret that an object names.

The cluster decides before the service is told: a secret is made, written into the Secret, which only one of two can create or
replace, and then imported. So whoever is broken off in between, or comes second, finds it there and tells the service the same.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from service.declared import API_VERSION
from service.declared.manifest import SecretPlace
from service.operator.api_server import ApiServer, ConflictError, KubeObject
from service.protocol.credentials import Kind, new_secret
from service.protocol.names import HmacAlgorithm

ROTATE = "mintmark.dev/rotate-secret"
"""The annotation of an object; a value that it did not have gives the client a new secret."""
_MANAGER = {"app.kubernetes.io/managed-by": "mintmark-operator"}


class SecretProblem(Exception):
    """The Secret cannot be used as it is."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class HeldSecret(NamedTuple):
    """A Secret as it is now."""

    name: str
    version: str
    """Another one after every change of it."""
    client_secret: str | None
    """None where the client needs none."""
    done: str = ""
    """What was done to it, for people."""


class WantedSecret(NamedTuple):
    """What a Secret is to say."""

    place: SecretPlace
    client_id: str
    issuer: str
    needs_secret: bool
    algorithm: HmacAlgorithm
    """By which the client signs with it, if it does."""


async def settle_secret(
    api_server: ApiServer, body: Mapping[str, Any], wanted: WantedSecret, randomness: Callable[[int], bytes]
) -> HeldSecret:
    """Let the Secret hold what it must, and return it.

    Args:
        api_server: Keeps it.
        body: The object that names it.
        wanted: What it is to say.
        randomness: Makes secrets.

    Raises:
        SecretProblem: It is another's and holds no client secret, or belongs to an object that is going.
        ConflictError: Somebody else changes it at the same time.
        ApiServerError: The API server refuses.
    """
    namespace, name = body["metadata"]["namespace"], wanted.place.name
    found = await api_server.secret(namespace, name)
    if found is None:
        try:
            value = await _moved(api_server, body, wanted) or _made(wanted, randomness)
            found = await api_server.create_secret(namespace, _new(body, wanted, value))
            return _held(found, wanted, f"Secret {name} is written")
        except ConflictError:
            found = await api_server.secret(namespace, name)
            if found is None:
                raise
    if not is_ours(found, body):
        return _given(found, body, wanted)
    data, rotation = _data(found), _rotation(body)
    is_rotated = wanted.needs_secret and _rotation(found) != rotation
    value = data.get(wanted.place.client_secret_key, "") if wanted.needs_secret else ""
    if wanted.needs_secret and (is_rotated or not value):
        value = _made(wanted, randomness)
    if _members(wanted, value).items() <= data.items() and not is_rotated:
        return _held(found, wanted)
    changed = _new(body, wanted, value)
    changed["metadata"] |= {part: found["metadata"][part] for part in ("resourceVersion", "uid")}
    changed["metadata"]["labels"] = (found["metadata"].get("labels") or {}) | _MANAGER
    changed["metadata"]["annotations"] = (found["metadata"].get("annotations") or {}) | {ROTATE: rotation}
    found = await api_server.replace_secret(namespace, changed)
    return _held(found, wanted, f"Secret {name} holds a new secret" if is_rotated else f"Secret {name} is put right")


def is_ours(secret: KubeObject, body: Mapping[str, Any]) -> bool:
    """Return whether a Secret was made for this object."""
    return any(owner["uid"] == body["metadata"]["uid"] for owner in _owners(secret))


def _owners(secret: KubeObject) -> list[dict[str, Any]]:
    return secret["metadata"].get("ownerReferences") or []


def _given(found: KubeObject, body: Mapping[str, Any], wanted: WantedSecret) -> HeldSecret:
    """A Secret that others made: read, never written."""
    name, key = wanted.place.name, wanted.place.client_secret_key
    if any(owner["kind"] == body["kind"] and owner["name"] == body["metadata"]["name"] for owner in _owners(found)):
        raise SecretProblem(
            "SecretGoing", f"Secret {name} belongs to an object of this name that was deleted; it goes with it"
        )
    if wanted.needs_secret and not _data(found).get(key):
        raise SecretProblem(
            "SecretNotOurs",
            f"Secret {name} is there already, was not made for this object, and has no key {key}: name another one in "
            "spec.secret.name, or give it that key with the secret that the client shall have",
        )
    return _held(found, wanted)


def _held(found: KubeObject, wanted: WantedSecret, done: str = "") -> HeldSecret:
    metadata = found["metadata"]
    value = _data(found).get(wanted.place.client_secret_key) if wanted.needs_secret else None
    return HeldSecret(wanted.place.name, f"{metadata['uid']}/{metadata['resourceVersion']}", value, done)


async def _moved(api_server: ApiServer, body: Mapping[str, Any], wanted: WantedSecret) -> str:
    """The secret in the Secret that the object named before; "" where there is none."""
    before = ((body.get("status") or {}).get("secret") or {}).get("name")
    if not before or before == wanted.place.name or not wanted.needs_secret:
        return ""
    found = await api_server.secret(body["metadata"]["namespace"], before)
    return _data(found).get(wanted.place.client_secret_key, "") if found and is_ours(found, body) else ""


def _made(wanted: WantedSecret, randomness: Callable[[int], bytes]) -> str:
    return new_secret(Kind.CLIENT_SECRET, randomness, wanted.algorithm.bytes) if wanted.needs_secret else ""


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
