"""The reconciliation of one object: it is compared with the service, and the service is corrected. kopf is not used here."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from service.admin.client_secrets import MIN_SECRET
from service.admin.errors import AdminError, AlreadyExists, NotFound
from service.admin.operations import AnyOperation, Do, clients
from service.client_auth import has_secret
from service.declared import (
    Change,
    DeclaredAct,
    DeclaredKind,
    Difference,
    Manifest,
    ManifestError,
    Performed,
    compare,
    parse_manifest,
    perform_change,
)
from service.declared.kinds import KINDS, MANAGED_BY
from service.operator.api_server import ApiServer, ConflictError
from service.operator.record_digests import RecordDigests, digest
from service.operator.secrets import CurrentSecret, SecretProblem, WantedSecret, is_ours, settle_secret
from service.operator.status import News, Reason, ready_of, with_news
from service.protocol.names import HmacAlgorithm

ABANDON = "mintmark.dev/abandon"
"""The annotation by which an object may be deleted without ending what it made."""
_LONGEST_MARK = 255


class UnfulfilledError(Exception):
    """The service is not as the object declares; the text is for the object's condition."""

    def __init__(self, reason: Reason, text: str, *, may_pass: bool = True) -> None:
        super().__init__(text)
        self.reason = reason
        self.may_pass = may_pass
        """Whether a later attempt may succeed without a change of the object."""


@dataclass
class _Attempt:
    """One reconciliation of one object."""

    body: Mapping[str, Any]
    """The object, with its old status."""
    status: dict[str, Any]
    """The new status."""
    shown: dict[str, Any] = field(default_factory=dict)
    """The record as the service showed it last."""
    done: list[News] = field(default_factory=list)


@dataclass(frozen=True)
class Reconciler:
    """Reconciles objects with the service."""

    do: Do
    records: RecordDigests
    api_server: ApiServer
    clock: Callable[[], float]
    issuer: str = ""
    """The issuer for applications, written into their Secrets; "" = none."""
    cluster_name: str = ""
    """The name of the cluster, which distinguishes objects of several clusters that use one service."""
    secret_grace: float = 86400
    """Seconds for which a replaced secret stays valid."""

    def mark(self, body: Mapping[str, Any]) -> str:
        """Return the value of ``managed_by`` that marks a record as declared by this object."""
        metadata = body["metadata"]
        before = f"kubernetes:{self.cluster_name}:" if self.cluster_name else "kubernetes:"
        whole = f"{before}{metadata['namespace']}/{metadata['name']}"
        return whole if len(whole) <= _LONGEST_MARK else whole[:190] + "/" + sha256(whole.encode()).hexdigest()[:32]

    async def is_settled(self, body: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
        """Return whether nothing has changed on either side since the last success, mostly without a request to the service.

        Raises:
            AdminError, UnavailableError, ApiServerError: The service or the cluster cannot be asked.
        """
        ready = ready_of(status)
        if ready.get("status") != "True" or ready.get("observedGeneration") != body["metadata"]["generation"]:
            return False
        kind = KINDS[body["kind"]]
        if await self.records.digest_of(kind, status["key"]) != status.get("digest"):
            return False
        secret = status.get("secret")
        if not secret:
            return True
        if secret.get("oldUntil") and secret["oldUntil"] <= self.clock():
            return False
        found = await self.api_server.secret(body["metadata"]["namespace"], secret["name"])
        version = found and f"{found['metadata']['uid']}/{found['metadata']['resourceVersion']}"
        rotation = (body["metadata"].get("annotations") or {}).get("mintmark.dev/rotate-secret", "")
        return bool(found and version == secret["version"] and rotation == secret.get("rotation", ""))

    async def apply(self, body: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[dict[str, Any], list[News]]:
        """Make the service have what the object declares.

        Args:
            body: The object.
            status: Its last status.

        Returns:
            The new status, and what was done, for Events.

        Raises:
            UnfulfilledError: The service refuses, or a Secret does not fit.
        """
        attempt = _Attempt({**body, "status": status}, dict(status))
        try:
            manifest = parse_manifest({name: body[name] for name in ("apiVersion", "kind", "metadata", "spec")})
            await self._apply(attempt, manifest)
        except ManifestError as error:
            raise UnfulfilledError(Reason.INVALID, str(error), may_pass=False) from error
        except SecretProblem as error:
            raise UnfulfilledError(error.reason, str(error)) from error
        except ConflictError as error:
            raise UnfulfilledError(Reason.CHANGING, f"another caller changes it at the same time: {error}") from error
        except AdminError as error:
            raise UnfulfilledError(Reason.REFUSED, str(error)) from error
        news = News(True, Reason.DECLARED, f"The service has this {manifest.kind.noun}.")
        generation = body["metadata"]["generation"]
        status = attempt.status | {"key": manifest.key, "digest": digest(attempt.shown)}
        return with_news(status, news, generation, self.clock()), attempt.done

    async def end(self, body: Mapping[str, Any]) -> str:
        """End the record that the object made, and return its key, "" where it has none. Raises AdminError."""
        annotations = body["metadata"].get("annotations") or {}
        if annotations.get(ABANDON) == "true":
            return ""
        kind = KINDS[body["kind"]]
        key = _key_of(body, kind)
        was_made = bool((body.get("status") or {}).get("key"))
        try:
            shown = await self.do(kind.show, {kind.key: key}) if key else {}
        except NotFound:
            if was_made and kind.end is clients.DELETE:  # an earlier attempt may have been interrupted before the sweep
                await clients.sweep(self.do, key)
            return ""
        marks = {self.mark(body)} | ({replace(self, cluster_name="").mark(body)} if was_made else set())
        if shown.get(kind.key) != key or shown.get(MANAGED_BY) not in marks:
            return ""
        await perform_change(self.do, Change(DeclaredAct.END, kind, key, managed_by=shown[MANAGED_BY]))
        return key

    # how it is done

    async def _apply(self, attempt: _Attempt, manifest: Manifest) -> None:
        kind = manifest.kind
        do = self._remembering(attempt, kind)
        change = await self._compare(do, attempt, manifest)
        if change.act is DeclaredAct.FOREIGN:
            raise UnfulfilledError(Reason.DECLARED_ELSEWHERE, _foreign(change))
        current = await self._secret(attempt, change) if kind.has_secret else None
        if current and current.done:
            attempt.done.append(News(True, "SecretWritten", current.done))
        if change.act is DeclaredAct.CREATE:
            await self._check_stays(attempt.body)
        performed = await self._perform(do, change, current.client_secret if current else None)
        attempt.shown |= performed.shown or {}
        self._say(attempt, change)
        if current is not None:
            await self._import_secret(do, attempt, current, is_known=performed.was_imported)
        await self._leave_old_place(attempt, current)

    def _remembering(self, attempt: _Attempt, kind: DeclaredKind) -> Do:
        """Return a ``Do`` that keeps the record as the operations show it."""

        async def do(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
            output = await self.do(operation, given)
            if kind.key in output and operation.name != "client.preview":
                attempt.shown = output
            return output

        return do

    async def _check_stays(self, body: Mapping[str, Any]) -> None:
        """Raise UnfulfilledError for an object that another replica is deleting, as a record made now would stay."""
        metadata = body["metadata"]
        plural = f"{body['kind'].lower()}s"
        if not await self.api_server.declares(plural, metadata["namespace"], metadata["name"], metadata["uid"]):
            raise UnfulfilledError(Reason.CHANGING, "the object is about to go")

    async def _compare(self, do: Do, attempt: _Attempt, manifest: Manifest) -> Change:
        """Return the needed change. A record that this object made before ``cluster_name`` was set still belongs to it."""
        mark, nameless = self.mark(attempt.body), replace(self, cluster_name="").mark(attempt.body)
        change = await compare(do, manifest, mark)
        if change.act is not DeclaredAct.FOREIGN or attempt.status.get("key") != manifest.key:
            return change
        if mark == nameless or change.managed_by != nameless:
            return change
        change = await compare(do, manifest, nameless)
        if change.act is DeclaredAct.FOREIGN:  # the key is an alias of another client
            return change
        return replace(
            change,
            act=DeclaredAct.UPDATE,
            members={**change.members, MANAGED_BY: mark},
            differences={**change.differences, MANAGED_BY: Difference(nameless, mark)},
        )

    async def _perform(self, do: Do, change: Change, secret: str | None) -> Performed:
        try:
            return await perform_change(do, change, secret)
        except AlreadyExists as error:
            raise UnfulfilledError(Reason.CHANGING, f"it was made meanwhile: {error}") from error

    async def _secret(self, attempt: _Attempt, change: Change) -> CurrentSecret | None:
        """Settle and return the Secret that the object names; None where it names none and needs none."""
        needs_secret = has_secret(change.members["auth_method"])
        if change.secret is None:
            if needs_secret:
                raise UnfulfilledError(
                    Reason.SECRET_UNNAMED,
                    "spec.secret.name: say which Secret gets the client's secret, or choose an auth_method without one",
                    may_pass=False,
                )
            return None
        least = MIN_SECRET if needs_secret else 0
        if change.members["auth_method"] == "client_secret_jwt":
            least = HmacAlgorithm(change.members.get("token_endpoint_auth_signing_alg") or "HS256").bytes
        wanted = WantedSecret(change.secret, change.key, self.issuer, needs_secret, least, _is_ended(attempt))
        return await settle_secret(self.api_server, attempt.body, wanted, os.urandom)

    async def _import_secret(self, do: Do, attempt: _Attempt, current: CurrentSecret, *, is_known: bool) -> None:
        """Import the secret in the Secret into the client, and end the replaced one when ``secret_grace`` is over."""
        imported = attempt.status.get("secret") or {}
        key = {"client_id": str(attempt.shown["client_id"])}
        secrets = attempt.shown.get("secrets") or []
        is_same = (
            imported.get("version") == current.version
            and secrets
            and imported.get("createdAt") == secrets[0]["created_at"]
        )
        if current.client_secret and not is_known and not is_same:
            await do(clients.ROTATE_SECRET, {**key, "secret": current.client_secret, "keep_old": bool(secrets)})
            if imported:
                attempt.done.append(News(True, "SecretChanged", "The client has the secret that its Secret has now."))
            secrets = attempt.shown["secrets"]
        old_until = secrets[0]["created_at"] + int(self.secret_grace) if len(secrets) > 1 else None
        if old_until is not None and old_until <= self.clock():
            await do(clients.DROP_OLD_SECRET, key)
            attempt.done.append(News(True, "OldSecretEnded", "The secret that was replaced counts no more."))
            old_until = None
        attempt.status["secret"] = {
            "name": current.name,
            "version": current.version,
            "createdAt": secrets[0]["created_at"] if secrets else None,
            "oldUntil": old_until,
            "secretKey": current.secret_key,
            "rotation": (attempt.body["metadata"].get("annotations") or {}).get("mintmark.dev/rotate-secret", ""),
        }

    async def _leave_old_place(self, attempt: _Attempt, current: CurrentSecret | None) -> None:
        """Delete the Secret that the object named before, if it was made for this object."""
        name = (attempt.body["status"].get("secret") or {}).get("name")
        if not name or (current is not None and current.name == name):
            return
        namespace = attempt.body["metadata"]["namespace"]
        found = await self.api_server.secret(namespace, name)
        if found and is_ours(found, attempt.body):
            await self.api_server.delete_secret(namespace, name, found["metadata"]["uid"])
            attempt.done.append(News(True, "SecretDeleted", f"Secret {name} is not named any more, and deleted."))
        if current is None:
            attempt.status["secret"] = None

    def _say(self, attempt: _Attempt, change: Change) -> None:
        """Note for Events what was done."""
        noun, key = change.kind.noun, change.key
        changed = ", ".join(sorted(change.differences)) or "its secret"
        is_drift = ready_of(attempt.status).get("observedGeneration") == attempt.body["metadata"]["generation"]
        match change.act, is_drift and bool(attempt.status.get("key")):
            case DeclaredAct.CREATE, True:
                attempt.done.append(
                    News(True, "DriftPutRight", f"The service had lost the {noun} {key}; it has it again.")
                )
            case DeclaredAct.CREATE, False:
                attempt.done.append(News(True, "Created", f"The service has the {noun} {key}."))
            case DeclaredAct.UPDATE, True:
                attempt.done.append(
                    News(True, "DriftPutRight", f"{changed}: was changed elsewhere, and is as declared again.")
                )
            case DeclaredAct.UPDATE, False:
                attempt.done.append(News(True, "Updated", f"{changed}: is as declared."))


def _is_ended(attempt: _Attempt) -> bool:
    """Whether an administrator replaced the imported secret at the service and kept none, as it may have leaked.

    Then all its secrets are newer. A service that was restored from a backup has an older one.
    """
    imported = attempt.status.get("secret") or {}
    secrets = attempt.shown.get("secrets") or []
    times = [one["created_at"] for one in secrets]
    return bool(imported.get("createdAt") and times and min(times) > imported["createdAt"])


def _key_of(body: Mapping[str, Any], kind: DeclaredKind) -> str:
    """Return the key of the object's record, also for an object that is invalid by now."""
    spec = body.get("spec") or {}
    key = (body.get("status") or {}).get("key") or spec.get(kind.key)
    return str(key or (body["metadata"]["name"] if kind.name_is_key else ""))


def _foreign(change: Change) -> str:
    by = f"is declared by {change.managed_by}" if change.managed_by else "was made by hand, or is another's alias"
    return (
        f"there is a {change.kind.noun} {change.key} already, which {by}, and what an object did not make it does not "
        f"take over. Choose another {change.kind.key}, or give it to this object by setting its {MANAGED_BY}"
    )
