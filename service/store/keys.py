"""Every key of Mintmark in Redis, one method each, the Cluster hash tag in sight.

All that belongs to one grant carries the tag ``{grant_id}``, so it lies in one slot and one script may touch it.
Keys that derive from another are made beside it: ``:repeats`` in ``lua/shared/count_repeat.lua``, ``:none`` (never written)
in ``user_index`` and ``rights``, ``:touch`` in ``redis/confirming_link.py``.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from inspect import isfunction, signature
from urllib.parse import quote

from service.protocol.credentials import GRANT_ID_LENGTH

PREFIX = "mm:"
"""The prefix of every key and channel, unless a store is given another."""
_PREFIX = re.compile("[a-z][a-z0-9-]*:", re.ASCII)
_HARMLESS = re.compile("[A-Za-z0-9@:.+_~/=-]*", re.ASCII)


class Keys:
    """The keys and channels of one store.

    A prefix is one word and a colon, so that no prefix begins another. What a script publishes to follows from the keys that it
    is given (``lua/shared/publish_end.lua``), so several stores may share one Redis.
    """

    def __init__(self, prefix: str = PREFIX) -> None:
        """Make the keys of a prefix. Raises ValueError for an invalid one."""
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(f"{prefix!r} is no prefix of keys: it is a word of a-z, 0-9 and -, and a colon")
        self.prefix = prefix
        self._tag = prefix + "{"
        grant = rf"{prefix}\{{[A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}}\}}"

        self.changes = f"{prefix}changes"
        """The channel on which processes publish what has to leave caches."""
        self.ended = f"{prefix}ended"
        """The channel on which scripts publish the key of a grant or access token that has ended, for resource servers."""
        self.everything = f"{prefix}*"
        """The pattern of every key and every channel, as ACL rules want it after ``~`` and ``&``."""
        self.tagged = f"{self._tag}*}}*"
        """The pattern of keys with a hash tag: grants, what they issue, and others."""
        self.named_tags = f"{self._tag}*:*}}*"
        """The pattern of keys whose tag has a colon: all but those of grants."""
        self.grant_key = re.compile(rf"{grant}(?::access:.*)?", re.ASCII)
        """Keys that hold a grant, whole or inline; a user's keys have a colon in their tag."""
        self.issued_key = re.compile(rf"{grant}:(access|refresh|code):(.+)", re.ASCII)
        """Keys of what a grant has issued: the kind, and the hash."""
        self.transient_key = re.compile(
            rf"({prefix}\{{(session|ticket|form|decision|operator):[^:{{}}]+\}})(:clients|:request)?", re.ASCII
        )
        """Keys of records that end by themselves and are no grants: the record, its kind, and the keys that belong to it."""

    @staticmethod
    def grant_id_of(key: str) -> str:
        """Keys of a grant and of what it issued; the first group is the grant's id."""
        return key.partition("{")[2].partition("}")[0]

    @staticmethod
    def made() -> Iterator[str]:
        """Every kind of key, by the method that makes it."""
        for name, make in vars(Keys).items():
            if isfunction(make) and make.__annotations__.get("return") is str:
                yield name

    def of_every_kind(self, name: str) -> Iterator[str]:
        """Make a key of each kind, with ``name`` for each part that is a text."""
        for kind, of_numbers in _kinds():
            yield getattr(self, kind)(*(0 if of_number else name for of_number in of_numbers))

    def grant(self, grant_id: str) -> str:
        """The grant, in front of its record the hash of its live refresh token. Deleting it ends everything it issued."""
        return f"{self._tag}{grant_id}}}"

    def code(self, grant_id: str, code_hash: str) -> str:
        """An authorization code; once spent, the hash of the access token it bought and a mark of its key."""
        return f"{self._tag}{grant_id}}}:code:{code_hash}"

    def polled_request(self, grant_id: str, request_hash: str) -> str:
        """A request that its client polls for: the interval, a mark of the client, and the sealed request.

        Later ``allowed:``, ``denied:`` or ``spent:``, the hash of the access token it bought, a mark of its key, who allowed
        it.
        """
        return f"{self._tag}{grant_id}}}:polled:{request_hash}"

    def poll_pause(self, grant_id: str, request_hash: str) -> str:
        """The last poll for this request; the client must not poll while this exists."""
        return f"{self._tag}{grant_id}}}:polled:{request_hash}:pause"

    def access_token(self, grant_id: str, token_hash: str) -> str:
        """An access token: how it differs from its grant. For client_credentials it holds the grant, which has no other key.

        For an exchanged token: a grant of its own and the tokens that it derives from, after a blank.
        """
        return f"{self._tag}{grant_id}}}:access:{token_hash}"

    def refresh_token(self, grant_id: str, token_hash: str) -> str:
        """A refresh token; once used, its successor's hash, and a fingerprint of the request unless it asked for all."""
        return f"{self._tag}{grant_id}}}:refresh:{token_hash}"

    def reply(self, grant_id: str, token_hash: str) -> str:
        """The sealed response of the last rotation, or of a redemption until the client has it; how often it was repeated."""
        return f"{self._tag}{grant_id}}}:reply:{token_hash}"

    def user_grants(self, subject: str) -> str:
        """A user's grant ids, scored by the second at which they end; the fraction marks the only one of a client."""
        return f"{self._tag}user:{_part(subject)}}}:grants"

    def lasting_grants(self, subject: str, client_id: str) -> str:
        """A user's grants to one client that can be refreshed, the first to end in front; from the second one on."""
        return f"{self._tag}user:{_part(subject)}}}:lasting:{_part(client_id)}"

    def passing_grants(self, subject: str, client_id: str) -> str:
        """The same of grants that cannot be refreshed: codes, and those of the authorization endpoint."""
        return f"{self._tag}user:{_part(subject)}}}:passing:{_part(client_id)}"

    def user_disabled(self, subject: str) -> str:
        """A mark while the user may not get tokens; in the slot of the index, so that one script sees both."""
        return f"{self._tag}user:{_part(subject)}}}:disabled"

    def user_sessions(self, subject: str) -> str:
        """A user's session ids, scored by the second at which each ends at the latest."""
        return f"{self._tag}user:{_part(subject)}}}:sessions"

    def living_sessions(self, subject: str) -> str:
        """The same sessions, those that began first in front, without the surplus ones that are being ended."""
        return f"{self._tag}user:{_part(subject)}}}:living-sessions"

    def user_consents(self, subject: str) -> str:
        """What a user allowed which client (a hash: client_id → consent), so that no user is asked twice."""
        return f"{self._tag}user:{_part(subject)}}}:consents"

    def user_approvals(self, subject: str) -> str:
        """Requests that wait for the user's approval, scored by the second at which each ends."""
        return f"{self._tag}user:{_part(subject)}}}:approvals"

    def user(self, subject: str) -> str:
        """The username of this subject."""
        return f"{self._tag}user:{_part(subject)}}}"

    def username(self, name: str) -> str:
        """The user record, by the name that is typed at login."""
        return f"{self.prefix}username:{_part(name)}"

    def client(self, client_id: str) -> str:
        """The client record, in every process's memory until a change is published."""
        return f"{self.prefix}client:{_part(client_id)}"

    def client_alias(self, alias: str) -> str:
        """The client_id behind an alias."""
        return f"{self.prefix}client-alias:{_part(alias)}"

    def client_number(self, number: int) -> str:
        """The client_id behind a number that we made for callers who know clients by numbers only."""
        return f"{self.prefix}client-number:{number}"

    def trusted_issuer(self, name: str) -> str:
        """A trusted issuer, and what its JWTs are accepted for."""
        return f"{self.prefix}trust:{_part(name)}"

    def resources(self) -> str:
        """The registered resources, all in one record, in every process's memory until a change is published."""
        return f"{self.prefix}resources"

    def session(self, sid: str) -> str:
        """A browser session by the ``sid`` of ID tokens: hash of the cookie, subject, when and how the user signed in."""
        return f"{self._tag}session:{sid}}}"

    def session_clients(self, sid: str) -> str:
        """The clients that got something in this session, to be notified when it ends."""
        return f"{self._tag}session:{sid}}}:clients"

    def operator_session(self, cookie_hash: str) -> str:
        """An operator who is signed in at the console, by the hash of the cookie."""
        return f"{self._tag}operator:{cookie_hash}}}"

    def user_code(self, pseudonym: str) -> str:
        """The request that a user code points to; the code is in it as a pseudonym."""
        return f"{self._tag}user-code:{pseudonym}}}"

    def ticket(self, ticket_hash: str) -> str:
        """How far an interaction has got, once something has happened; the request itself is sealed in the ticket."""
        return f"{self._tag}ticket:{ticket_hash}}}"

    def pushed_request(self, secret_hash: str) -> str:
        """A sealed authorization request that its client pushed; once spent, the interaction that spent it."""
        return f"{self._tag}pushed:{secret_hash}}}"

    def ticket_request(self, ticket_hash: str) -> str:
        """The request of an interaction that no browser can keep, sealed by the ticket."""
        return f"{self._tag}ticket:{ticket_hash}}}:request"

    def waiting(self, who: str) -> str:
        """The bytes that wait on behalf of ``who`` (network:…, browser:…, everybody), all in one slot for one script.

        What unauthenticated clients push has counters of its own (pushednetwork:…, pushedbrowser:CLIENT_ID@NETWORK,
        pushedeverybody), and so have the devices that they begin for (devicenetwork:…, devicebrowser:CLIENT_ID@NETWORK,
        deviceeverybody).
        """
        return f"{self._tag}waiting}}:{_part(who)}"

    def form(self, form_hash: str) -> str:
        """A form that a browser has sent, and the sealed answer to it."""
        return f"{self._tag}form:{form_hash}}}"

    def decision_ticket(self, ticket_hash: str) -> str:
        """A request that waits for the answer of a caller of the decision API."""
        return f"{self._tag}decision:{ticket_hash}}}"

    def signing_keys(self) -> str:
        """Our signing keys, all in one record; private parts encrypted under the master key."""
        return f"{self._tag}signing}}:keys"

    def encryption_keys(self) -> str:
        """The keys that others encrypt for, all in one record; private parts encrypted under the master key."""
        return f"{self._tag}encryption}}:keys"

    def initial_access_token(self, token_hash: str) -> str:
        """An initial access token for registrations (RFC 7591 section 3)."""
        return f"{self._tag}registration:{token_hash}}}"

    def registrations(self) -> str:
        """Openly registered clients that are not used yet, by the second at which each is deleted."""
        return f"{self._tag}registrations}}"

    def registrations_of(self, network: str) -> str:
        """Openly registered clients of one network that are not used yet."""
        return f"{self._tag}registrations}}:{_part(network)}"

    def logout_deliveries(self) -> str:
        """Logout tokens to be delivered, by the second at which each is due."""
        return f"{self._tag}logout}}:due"

    def logout_delivery(self, delivery_id: str) -> str:
        """One logout token to be delivered: its client, its user, and the number of attempts."""
        return f"{self._tag}logout}}:delivery:{delivery_id}"

    def backchannel_deliveries(self) -> str:
        """CIBA notifications to be delivered to clients, by the second at which each is due."""
        return f"{self._tag}backchannel}}:due"

    def backchannel_delivery(self, delivery_id: str) -> str:
        """One CIBA notification to be delivered: its client, and the number of attempts."""
        return f"{self._tag}backchannel}}:delivery:{delivery_id}"

    def notifications(self) -> str:
        """Notifications to be delivered to hooks, by the second at which each is due."""
        return f"{self._tag}hooks}}:due"

    def notification(self, notification_id: str) -> str:
        """One notification to be delivered: its hook, its content, and the number of attempts."""
        return f"{self._tag}hooks}}:notice:{notification_id}"

    def assertion(self, name_hash: str) -> str:
        """An assertion that was used, by a hash of who made it and its ``jti``."""
        return f"{self._tag}assertion:{name_hash}}}"

    def audit(self) -> str:
        """The audit log: what operators did."""
        return f"{self._tag}audit}}"

    def refused_requests(self) -> str:
        """A sample of the requests that were refused lately."""
        return f"{self._tag}refused}}"

    def failures(self, who: str) -> str:
        """How often ``who`` failed of late; what was typed is stored as a pseudonym.

        Passwords: user:…, address:…; secrets of clients: client:…, of operators: operator@…, of API keys: decision-api@…; codes
        of devices and of CIBA: user-code:…, user-code-network:…, user-code; documents of clients: document:….
        """
        return f"{self._tag}failures:{_part(who)}}}:count"

    def blocked(self, who: str) -> str:
        """A mark while ``who`` has to wait; its TTL is how long."""
        return f"{self._tag}failures:{_part(who)}}}:blocked"

    def probe(self, number: int) -> str:
        """A key without meaning, to test whether Redis takes writes; several for each primary of a Cluster."""
        return f"{self._tag}probe:{number}}}"

    def known_browsers(self, username: str) -> str:
        """Browsers from which this user signed in, by the hash of their cookie, scored by the second of forgetting."""
        return f"{self._tag}known:{_part(username)}}}:browsers"

    def known_networks(self, username: str) -> str:
        """Networks from which this user signed in, by their pseudonyms, scored likewise."""
        return f"{self._tag}known:{_part(username)}}}:networks"

    def pseudonyms(self) -> str:
        """The key of pseudonyms, where the settings hold no secret to derive it from."""
        return f"{self._tag}pseudonyms}}:key"


@lru_cache(maxsize=128)
def _part(text: str) -> str:
    """Escape a name from outside, so that it holds no braces and control characters, which could move the hash tag.

    Results are remembered, as the keys of one user are made together.
    """
    return text if _HARMLESS.fullmatch(text) else quote(text, safe="@:.+-_~/=", errors="surrogatepass")


@cache
def _kinds() -> tuple[tuple[str, tuple[bool, ...]], ...]:
    """Every kind of key: the method that makes it, and for each of its parts whether that is a number."""
    return tuple(
        (kind, tuple(part.annotation is int for part in list(signature(getattr(Keys, kind)).parameters.values())[1:]))
        for kind in Keys.made()
    )
