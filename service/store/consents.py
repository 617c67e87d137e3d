"""Consents: what a user allowed which client, so that no user is asked twice."""

from service.records.consent import Consent
from service.redis.script import Script
from service.store.answers import Answer
from service.store.record_store import RecordStore

_keep = Script("keep_consent", Answer)


class Consents(RecordStore):
    """Consents in Redis: one hash for each user."""

    async def get(self, subject: str, client_id: str) -> Consent | None:
        """Return what the user allowed this client. One round trip."""
        key = self._keys.user_consents(subject)
        data = await self._connection.execute(key, "HGET", key, client_id)
        return Consent.decode(data) if data else None

    async def of_user(self, subject: str) -> dict[str, Consent]:
        """Return everything that the user allowed, by client_id. One round trip."""
        key = self._keys.user_consents(subject)
        found = iter(await self._connection.execute(key, "HGETALL", key))
        return {client_id.decode(): Consent.decode(data) for client_id, data in zip(found, found, strict=True)}

    async def keep(self, subject: str, client_id: str, consent: Consent, lifetime: int) -> None:
        """Store a consent for ``lifetime`` seconds (0 = without an end). One round trip."""
        await _keep.run(self._connection, (self._keys.user_consents(subject),), client_id, consent.encode(), lifetime)

    async def forget(self, subject: str, client_id: str | None = None) -> None:
        """Delete the consent for one client, or for all: users are asked again."""
        key = self._keys.user_consents(subject)
        if client_id is None:
            await self._connection.execute_confirmed(key, "DEL", key)
        else:
            await self._connection.execute_confirmed(key, "HDEL", key, client_id)
