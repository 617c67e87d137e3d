"""Every key of Mintmark in Redis, one function each, the Cluster hash tag in sight.

All that belongs to one grant carries the tag ``{grant_id}``, so it lies in one slot and one script may touch it.
"""

import re
from urllib.parse import quote

CHANGES = "mm:changes"
"""The publish/subscribe channel on which processes tell each other what left their caches."""

ENDED = "mm:ended"
"""The channel on which scripts tell resource servers what has ended: the key of a grant or of an access token."""


EVERYTHING = "mm:*"
"""The pattern of every key and every channel, as ACL rules want it after ``~`` and ``&``."""


def grant(grant_id: str) -> str:
    """The grant itself: deleting it ends everything it issued."""
    return f"mm:{{{grant_id}}}"


def code(grant_id: str, code_hash: str) -> str:
    """An authorization code; once spent, the hash of the access token it bought."""
    return f"mm:{{{grant_id}}}:code:{code_hash}"


def access_token(grant_id: str, token_hash: str) -> str:
    """An access token."""
    return f"mm:{{{grant_id}}}:access:{token_hash}"


def refresh_token(grant_id: str, token_hash: str) -> str:
    """A refresh token; once used, its successor's hash."""
    return f"mm:{{{grant_id}}}:refresh:{token_hash}"


def reply(grant_id: str, token_hash: str) -> str:
    """The sealed response to the last use of this refresh token."""
    return f"mm:{{{grant_id}}}:reply:{token_hash}"


def user_grants(subject: str) -> str:
    """A user's grant ids, scored by the second at which they end."""
    return f"mm:{{user:{_tag(subject)}}}:grants"


def lasting_grants(subject: str, client_id: str) -> str:
    """Of a user's grants to one client those that can be refreshed, the first to end in front."""
    return f"mm:{{user:{_tag(subject)}}}:lasting:{_tag(client_id)}"


def passing_grants(subject: str, client_id: str) -> str:
    """Of a user's grants to one client the codes, and those of the authorization endpoint that cannot be refreshed."""
    return f"mm:{{user:{_tag(subject)}}}:passing:{_tag(client_id)}"


def user_disabled(subject: str) -> str:
    """Exists while the user may not get tokens; in the slot of the index, so that one script sees both."""
    return f"mm:{{user:{_tag(subject)}}}:disabled"


def user_sessions(subject: str) -> str:
    """A user's session ids, scored by the second at which each ends at the latest."""
    return f"mm:{{user:{_tag(subject)}}}:sessions"


def living_sessions(subject: str) -> str:
    """The same sessions, those that began first in front, without those that are being ended as there are too many."""
    return f"mm:{{user:{_tag(subject)}}}:living-sessions"


def user_consents(subject: str) -> str:
    """What a user allowed which client (a hash: client_id → consent), so that nobody is asked twice."""
    return f"mm:{{user:{_tag(subject)}}}:consents"


def user(subject: str) -> str:
    """The username of this subject."""
    return f"mm:{{user:{_tag(subject)}}}"


def username(name: str) -> str:
    """The user record: people log in by their username."""
    return f"mm:username:{_tag(name)}"


def client(client_id: str) -> str:
    """The client record."""
    return f"mm:client:{_tag(client_id)}"


def client_alias(alias: str) -> str:
    """The client_id behind an alias."""
    return f"mm:client-alias:{_tag(alias)}"


def client_number(number: int) -> str:
    """The client_id behind a number that we made for callers who know clients by numbers only."""
    return f"mm:client-number:{number}"


def trusted_issuer(name: str) -> str:
    """Somebody whose assertions are exchanged for tokens."""
    return f"mm:trust:{_tag(name)}"


def session(sid: str) -> str:
    """A browser session, by the ``sid`` that ID tokens name; the cookie's secret is there as a hash."""
    return f"mm:{{session:{sid}}}"


def session_clients(sid: str) -> str:
    """The clients that got something in this session: those who are told when it ends."""
    return f"mm:{{session:{sid}}}:clients"


def operator_session(cookie_hash: str) -> str:
    """An operator who is signed in at the console, by the hash of the cookie."""
    return f"mm:{{operator:{cookie_hash}}}"


def ticket(ticket_hash: str) -> str:
    """How far an authorization request has got that waits for the person in front of the browser."""
    return f"mm:{{ticket:{ticket_hash}}}"


def ticket_request(ticket_hash: str) -> str:
    """The request itself, where no browser can keep it; sealed by the ticket."""
    return f"mm:{{ticket:{ticket_hash}}}:request"


def waiting(who: str) -> str:
    """How many bytes wait on behalf of ``who`` (network:…, browser:…, everybody); one slot, for one script sees them all."""
    return f"mm:{{waiting}}:{_tag(who)}"


def form(form_hash: str) -> str:
    """A form that a browser has sent, and the sealed answer to it."""
    return f"mm:{{form:{form_hash}}}"


def decision_ticket(ticket_hash: str) -> str:
    """A decision that waits for the word of a caller of the decision API."""
    return f"mm:{{decision:{ticket_hash}}}"


def signing_keys() -> str:
    """Our signing keys, all in one record; private parts encrypted under the master key."""
    return "mm:{signing}:keys"


def initial_access_token(token_hash: str) -> str:
    """A token that allows somebody to register clients (RFC 7591 section 3)."""
    return f"mm:{{registration:{token_hash}}}"


def registrations() -> str:
    """Clients that strangers registered and that are not used yet, by the second at which each is given up."""
    return "mm:{registrations}"


def registrations_of(network: str) -> str:
    """Those of one network."""
    return f"mm:{{registrations}}:{_tag(network)}"


def logout_deliveries() -> str:
    """Logout tokens to be delivered, by the second at which each is due."""
    return "mm:{logout}:due"


def logout_delivery(delivery_id: str) -> str:
    """One logout token to be delivered: to whom, about whom, how often it was tried."""
    return f"mm:{{logout}}:delivery:{delivery_id}"


def notices() -> str:
    """Notices to be delivered to hooks, by the second at which each is due."""
    return "mm:{hooks}:due"


def notice(notice_id: str) -> str:
    """One notice to be delivered: to which hook, of what, how often it was tried."""
    return f"mm:{{hooks}}:notice:{notice_id}"


def assertion(name_hash: str) -> str:
    """An assertion that was used, by a hash of who made it and its ``jti``."""
    return f"mm:{{assertion:{name_hash}}}"


def audit() -> str:
    """The audit log, a stream."""
    return "mm:{audit}"


def refused_requests() -> str:
    """Requests that were refused lately, a stream."""
    return "mm:{refused}"


def failures(who: str) -> str:
    """How often ``who`` (user:…, address:…, client:…) failed of late; what was typed is in it as a pseudonym."""
    return f"mm:{{failures:{_tag(who)}}}:count"


def blocked(who: str) -> str:
    """Exists while ``who`` has to wait; its TTL is how long."""
    return f"mm:{{failures:{_tag(who)}}}:blocked"


def probe(number: int) -> str:
    """A key of no meaning, to see whether Redis takes writes; some number for each primary of a Cluster."""
    return f"mm:{{probe:{number}}}"


def known_browsers(username: str) -> str:
    """Browsers from which this user signed in, by the hash of their cookie, scored by the second of forgetting."""
    return f"mm:{{known:{_tag(username)}}}:browsers"


def known_networks(username: str) -> str:
    """Networks from which this user signed in, by their pseudonyms."""
    return f"mm:{{known:{_tag(username)}}}:networks"


def pseudonyms() -> str:
    """The key of pseudonyms, where the settings hold no secret to derive it from."""
    return "mm:{pseudonyms}:key"


GRANTS = "mm:{*"
"""The pattern of the keys of grants, among others."""

NAMED_TAGS = "mm:{*:*}*"
"""The pattern of keys whose tag has a colon: all but those of grants."""

UNDER_WAY = re.compile(r"(mm:\{(session|ticket|form|decision|operator):[^:{}]+\})(:clients|:request)?", re.ASCII)
"""Keys of what ends by itself and is no grant: the record, its kind, and what lies beside it."""


def _tag(text: str) -> str:
    """Names from outside, with braces and control characters out of the way of the hash tag."""
    return text if text.isalnum() and text.isascii() else quote(text, safe="@:.+-_~/=", errors="surrogatepass")
