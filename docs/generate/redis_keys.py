"""Every key in Redis: name and content from ``service.store.keys``; below, how each is kept and how it ends."""

import inspect

from docs.generate.tables import table
from service.store.keys import Keys

KEPT: dict[str, tuple[str, str]] = {
    "grant": ("string", "TTL: the longest-lived thing it issued; once ended, an empty record for a minute"),
    "code": (
        "string",
        "TTL; once spent `refresh_reuse_memory`, or with the access token where there is no refresh token",
    ),
    "polled_request": ("string", "TTL: `device_code_lifetime`, or that of a CIBA request; once spent as a code"),
    "poll_pause": ("string", "TTL: the interval, half a second less"),
    "access_token": ("string", "TTL; with all that it came from"),
    "refresh_token": (
        "string",
        "TTL, or with its grant; once used `refresh_reuse_memory`, at most as long as its successor",
    ),
    "reply": ("string", "TTL: the grace window; sooner, once its successor is used"),
    "user_grants": ("sorted set", "TTL: the last of them"),
    "lasting_grants": ("sorted set", "TTL: the last of them; ten years since the last use of one that never ends"),
    "passing_grants": ("sorted set", "TTL: the last of them"),
    "user_disabled": ("string", "when the user is enabled"),
    "user_sessions": ("sorted set", "TTL: the last of them"),
    "living_sessions": ("sorted set", "TTL: the last of them"),
    "user_consents": ("hash", "TTL: `consent_lifetime` since the last one"),
    "user_approvals": ("sorted set", "TTL: the last of them"),
    "user": ("string", "with the user"),
    "username": ("string", "with the user"),
    "client": ("string", "with the client; of one that registered itself, or by its document, TTL since its last use"),
    "client_alias": ("string", "with the client"),
    "client_number": ("string", "with the client"),
    "trusted_issuer": ("string", "when it is trusted no more"),
    "resources": ("string", "never"),
    "session": ("string", "TTL: idle, and never later than absolute"),
    "session_clients": ("set", "TTL of the session, then a day: until they were notified of its end"),
    "operator_session": ("string", "TTL: idle, and never later than absolute"),
    "user_code": ("string", "TTL: `device_code_lifetime`"),
    "ticket": ("string", "TTL: `ticket_lifetime`"),
    "pushed_request": ("string", "TTL: `par_lifetime`; once spent, that, `ticket_lifetime` and a minute"),
    "ticket_request": ("string", "TTL: `ticket_lifetime`"),
    "waiting": ("string", "TTL: `ticket_lifetime`; what is pushed `par_lifetime`, of devices `device_code_lifetime`"),
    "form": ("string", "TTL: 20 to 30 seconds"),
    "decision_ticket": ("string", "TTL: `ticket_lifetime`"),
    "signing_keys": ("string", "never"),
    "encryption_keys": ("string", "never"),
    "initial_access_token": ("hash", "TTL"),
    "registrations": ("sorted set", "TTL: the last of them"),
    "registrations_of": ("sorted set", "TTL: the last of them"),
    "logout_deliveries": ("sorted set", "TTL: after the last attempt of the last of them"),
    "logout_delivery": ("string", "TTL: after the last attempt"),
    "backchannel_deliveries": ("sorted set", "TTL: after the last attempt of the last of them"),
    "backchannel_delivery": ("string", "TTL: a day after the last attempt; given up when the request is over"),
    "notifications": ("sorted set", "TTL: after the last attempt of the last of them"),
    "notification": ("string", "TTL: a day after the last attempt"),
    "assertion": ("string", "TTL: when it would have expired"),
    "audit": ("stream", "length: about `audit_length` entries"),
    "refused_requests": ("stream", "length: about 2,000 entries; TTL: a week after the last"),
    "failures": ("string", "TTL: how long to wait, or to remember"),
    "blocked": ("string", "TTL: how long to wait"),
    "probe": ("string", "TTL: a second"),
    "known_browsers": ("sorted set", "TTL: 90 days after the last; twenty at most"),
    "known_networks": ("sorted set", "TTL: 90 days after the last; twenty at most"),
    "pseudonyms": ("string", "never"),
}
"""By the method of ``Keys``: the type in Redis, and what ends it."""

_HEAD = """# Keys in Redis

What is kept, as what, and what ends it. TTLs of Redis are the only clocks: nothing is cleaned up by a job, and no record says
when it ends. The part in braces is the hash tag: all of a grant lies in one slot of a Cluster, and one script may touch it.
A `HASH` is base64url of the first 16 bytes of SHA-512 over the whole credential: no credential can be read here. Every key
begins with `mm:`, so several services need [a Redis or a database each](../how-to/redis.md#several-services).

"""
_TAIL = """
Three more are another key and a word behind it: `…:repeats` (how often a reply was given again; TTL: with the reply),
`…:touch` (nothing; written before WAIT, where `redis_wait_replicas` is set; TTL: a second) and `…:none` (named to scripts,
never written). `mm:{rights-check}` is what the rights of the Redis user are tried on at the start; it is deleted at once.

A client's grants are ended all at once by raising its `generation`: what an older generation issued is dead, without an index
and without a scan.

Channels: `mm:changes` tells processes what has to leave their memory, `mm:ended` tells resource servers which grant or access
token has ended.

Which rights the Redis user needs, and what a restart brings back: [Redis](../how-to/redis.md).
"""


def page() -> str:
    """The whole page. Raises KeyError for a key of which is not said here how it is kept."""
    return _HEAD + table(("key", "type", "what it holds", "ends by"), map(_row, Keys.made())) + _TAIL


def _row(name: str) -> tuple[str, str, str, str]:
    kind, end = KEPT[name]
    make = getattr(Keys(), name)
    parts = (part.upper() for part in inspect.signature(make).parameters)
    text = " ".join((inspect.getdoc(make) or "").replace("``", "`").split())
    return f"`{make(*parts)}`", kind, text, end
