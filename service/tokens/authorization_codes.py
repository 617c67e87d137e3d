"""Authorization codes: issued with the grant that they begin, redeemed once (RFC 6749 section 4.1.2, P1)."""

from collections.abc import Awaitable

import msgspec

from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import Credential, Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.store.spending import NewTokens, SpendableStore, Spending, WaitingReply
from service.store.store import Store
from service.tokens.redeemed_once import RedeemedOnce
from service.tokens.spendable import TokenPlan


class Code(msgspec.Struct, frozen=True):
    """A fresh authorization code."""

    code: str
    expires_in: int
    """Lifetime in seconds."""
    grant_id: str


async def issue_code(
    issuer: Issuer, client: Client, grant: Grant, record: AuthorizationCode, grant_id: str = ""
) -> Code:
    """Begin a grant with an authorization code, for the authorization endpoint and for operators.

    ``grant_id`` is a fresh one. Raises InvalidGrant where the user is disabled, TemporarilyUnavailable.
    """
    now = int(issuer.clock())
    lifetime = client.code_lifetime or issuer.settings.code_lifetime
    grant_id = grant_id or new_grant_id(issuer.random_text)
    code = new_credential(Kind.AUTHORIZATION_CODE, grant_id, issuer.random_text)
    credential = Credential(Kind.AUTHORIZATION_CODE, grant_id, hashed(code))
    if not await issuer.store.codes.issue(credential, record, grant, now + lifetime):
        raise InvalidGrant("The user may not sign in.", log="user is disabled")
    return Code(code, lifetime, grant_id)


class PresentedCode(RedeemedOnce, frozen=True, kw_only=True):
    """A code that is presented at the token endpoint."""

    GRANT_TYPE = GrantTypeName.AUTHORIZATION_CODE
    REPLAYED = Event.CODE_REPLAYED
    REPEATED = Event.CODE_REPEATED
    NAME = "code"
    REPLAY = "code was already redeemed; its grant is ended"

    record: AuthorizationCode | None
    """None once it is spent."""
    proof: str = ""
    """Parameters of the request: redirect_uri and code_verifier (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""

    def kept_in(self, store: Store) -> SpendableStore:
        """Return the part of the store that keeps its kind."""
        return store.codes

    def plan(self, issuer: Issuer, client: Client) -> TokenPlan:
        """Return which tokens it is exchanged for.

        The reply is not kept for a public client without PKCE, as the code alone would open it. Raises InvalidGrant.
        """
        if self.record is None:
            raise InvalidGrant(log=self.REPLAY)
        waits = not client.public or bool(self.record.code_challenge)
        return TokenPlan(
            grant_id=self.credential.grant_id,
            refreshes_left=client.refresh_limit,
            has_id_token=True,
            nonce=self.record.nonce,
            grace=issuer.settings.code_grace if waits else 0,
        )

    def spend(self, store: Store, new: NewTokens, reply: WaitingReply, remembered_until: int) -> Awaitable[Spending]:
        """Redeem it. Its use is remembered as long as its grant lasts: without a refresh token, until the access token ends."""
        spent_ends_at = remembered_until if new.refresh_record else new.access_ends_at
        with_access_token = self.record is not None and self.record.with_access_token
        key = self.binding.mark
        return store.codes.redeem(
            self.credential, new, spent_ends_at, reply, with_access_token=with_access_token, key=key
        )

    def sealed_with(self, fingerprint: str) -> bytes:
        """Return the proof and the fingerprint."""
        return f"{self.proof}\0{fingerprint}".encode()
