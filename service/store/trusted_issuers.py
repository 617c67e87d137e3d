"""Trusted issuers, by their name."""

from service.records.trusted_issuer import TrustedIssuer
from service.store.record_store import ChangedMeanwhileError, RecordStore


class TrustedIssuers(RecordStore):
    """Trusted issuers in Redis."""

    async def get(self, issuer: str) -> TrustedIssuer | None:
        """Return an issuer as Redis has it now, so that removed ones are not trusted any longer. One round trip."""
        return await self._read(self._keys.trusted_issuer(issuer), TrustedIssuer)

    async def save(self, trust: TrustedIssuer, seen: TrustedIssuer | None = None) -> None:
        """Store an issuer in the place of an earlier record, with ``seen`` only of the one that was read. One round trip.

        Raises:
            ChangedMeanwhileError: It is no longer as it was read.
        """
        key = self._keys.trusted_issuer(trust.issuer)
        if seen is None:
            await self._connection.execute(key, "SET", key, trust.encode())
        elif not await self._replaced(key, seen.encode(), trust.encode()):
            raise ChangedMeanwhileError(trust.issuer)

    async def delete(self, issuer: str, seen: TrustedIssuer | None = None) -> bool:
        """Delete an issuer, with ``seen`` only as it was read. Return whether it was there. One round trip.

        Raises:
            ChangedMeanwhileError: It is no longer as it was read.
        """
        return await self._ended(self._keys.trusted_issuer(issuer), seen)

    async def list_page(self, cursor: str = "", count: int = 100) -> tuple[list[TrustedIssuer], str]:
        """Return some of them and the cursor of the next page, empty at the end. A call looks at about ``10 × count`` keys."""
        return await self._read_page(self._keys.trusted_issuer(""), TrustedIssuer, cursor, count)
