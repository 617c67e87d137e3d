"""Reasons why Redis cannot be used, for operators: each cause has its own text and next step."""

import socket
import ssl
from typing import NamedTuple

from service.redis.errors import UNFORESEEN, LinkLostError, ReplyError, StoreError, causes_of, kind_of


class Trouble(NamedTuple):
    """The reason why Redis cannot be used, and the next step.

    Attributes:
        what: A heading, to which the reason in Redis' or the system's own words is added.
        to_do: The next step.
        passes: Whether it may end without a change of settings, as when Redis starts later than this service, or again.
    """

    what: str
    to_do: str
    passes: bool = False


WHERE = "redis_url in the configuration file, or MINTMARK_REDIS_URL"
"""Where the address is set."""
_LOGIN = "user and password are redis_username and redis_password, or stand before @ in redis_url"

_AWAY = Trouble("Redis cannot be reached", f"Start Redis there, or say where it is: {WHERE}.", passes=True)
_NAME = Trouble("The host of redis_url has no address", f"Mend the name or the DNS: {WHERE}.", passes=True)
_SILENT = Trouble(
    "Redis does not answer in time",
    "A firewall or network policy may drop what we send, the DNS may be slow, the server may hang, or speak no TLS there "
    "(rediss://): look there. What it has for an answer is redis_connect_timeout and redis_timeout.",
    passes=True,
)
_FORBIDDEN = Trouble("The socket of Redis may not be used", "Give this user a right to it (unixsocketperm of Redis).")
_CERTIFICATE = Trouble(
    "The certificate of Redis is not trusted",
    "Name the authority that signed it: redis_ca_file. The host in redis_url must be one that the certificate names.",
)
_NO_TLS = Trouble(
    "Redis does not speak TLS there",
    "Use redis:// in the place of rediss:// (and redis_tls off), or the port that has TLS.",
)
_TLS = Trouble(
    "TLS with Redis fails",
    "Where it wants a certificate of ours, name it: redis_certificate_file and redis_key_file. Its authority is redis_ca_file.",
)
_CLOSED = Trouble(
    "Redis closes the connection at once",
    "Where that port speaks TLS, use rediss:// (for Sentinels and Clusters also redis_tls); else Redis' own log says why.",
    passes=True,
)
_OTHER = Trouble(
    "This Redis is too old, or something else that answers like one", "6.2 or newer is needed, or any Valkey."
)

_BY_KIND = {
    "WRONGPASS": Trouble(
        "Redis refuses the login: it has no such user, or the password is another one",
        f"Mend it: {_LOGIN}. ACL LIST shows Redis' users.",
    ),
    "NOAUTH": Trouble("Redis wants a password, and none is set", f"Set it: {_LOGIN}."),
    "NOPERM": Trouble(
        "The Redis user lacks a right", "docs/how-to/redis.md has the ACL line that gives all that the service needs."
    ),
    "LOADING": Trouble(
        "Redis is still loading its data", "Wait until it is done: its log says how far it is.", passes=True
    ),
    "DENIED": Trouble(
        "Redis is in protected mode and takes no client from another machine",
        "Give it users and a password (docs/how-to/redis.md), or bind it to a network that only this service reaches.",
    ),
    "CLUSTERDOWN": Trouble(
        "The Cluster is down: some slots have no server",
        "CLUSTER NODES on any server shows which is missing; start it.",
        passes=True,
    ),
    "MOVED": Trouble("This is one of several servers of a Cluster", f"Use redis+cluster://host,host: {WHERE}."),
}
_BY_TEXT = (
    (
        "max number of clients",
        Trouble("Redis has no connection left", "Raise its maxclients, or end clients (CLIENT LIST).", passes=True),
    ),
    (
        "DB index",
        Trouble(
            "Redis has no database of that number", f"Use one that it has (a Cluster mostly has none but 0): {WHERE}."
        ),
    ),
    ("SELECT is not allowed in cluster", Trouble("A Cluster has no database number", f"Leave it out: {WHERE}.")),
    ("cluster support disabled", Trouble("This is no Cluster", f"Use redis:// or redis+sentinel://: {WHERE}.")),
    (
        "command 'SENTINEL'",
        Trouble("This is no Sentinel but a server with data", f"Use redis://, or the Sentinels' port: {WHERE}."),
    ),
    ("command 'HELLO'", _OTHER),
    (UNFORESEEN, _OTHER),
    (
        "does not know the service",
        Trouble("The Sentinels know no such service", f"Name one of SENTINEL MASTERS: {WHERE}."),
    ),
)


def explain(error: BaseException) -> Trouble:
    """Return the trouble behind an error of the store; the one nearest to the cause counts."""
    for cause in reversed(list(causes_of(error))):
        if (found := _of(cause)) is not None:
            return found
    return _AWAY


def _of(error: BaseException) -> Trouble | None:
    if isinstance(error, ReplyError | StoreError | LinkLostError):
        return _of_words(error)
    if isinstance(error, OSError):
        return _of_system(error)
    return None


def _of_words(error: Exception) -> Trouble | None:
    if isinstance(error, ReplyError) and (found := _BY_KIND.get(kind_of(error))):
        return found
    text = str(error).replace("`", "'")  # before Redis 7: unknown command `SENTINEL`
    if found := next((trouble for words, trouble in _BY_TEXT if words in text), None):
        return found
    return _CLOSED if "closed by Redis" in text else None


def _of_system(error: OSError) -> Trouble | None:
    if isinstance(error, socket.gaierror):
        return _NAME
    if isinstance(error, TimeoutError):
        return _SILENT
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE
    if isinstance(error, ssl.SSLError):
        # One of our own has no reason.
        return _NO_TLS if getattr(error, "reason", None) in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE") else _TLS
    if isinstance(error, PermissionError):
        return _FORBIDDEN
    return _CLOSED if isinstance(error, ConnectionResetError | BrokenPipeError) else None
