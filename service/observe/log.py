"""Logs as JSON lines, or as text for terminals, in which every credential of ours is redacted.

Log calls name an event and pass facts in ``extra``: ``log.warning(Event.REFRESH_TOKEN_REUSED, extra={"client_id": …})``.
"""

import json
import logging
import sys
import time
from typing import Any

import orjson

from service.observe import current
from service.protocol.redaction import redacted

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}


class JsonFormatter(logging.Formatter):
    """A formatter for one JSON object a line (docs/reference/events.md), with ``time`` in UTC as in RFC 3339."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **current.ids(),
            **_facts(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        try:
            text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # an unpaired surrogate, or a number of more than 64 bits
            text = json.dumps(line, default=str)
        return redacted(text)


class TextFormatter(logging.Formatter):
    """A formatter for terminals: ``22:14:03 warning refresh_token_reused client_id=demo``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a line."""
        facts = " ".join(f"{name}={_on_one_line(value)}" for name, value in _facts(record).items() if value != "")
        ids = current.ids()
        request_id, client_id = ids.get("request_id"), ids.get("client_id")
        colour = _COLOURS.get(record.levelname, "") if sys.stderr.isatty() else ""
        end = "\x1b[0m" if colour else ""
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{moment} {colour}{record.levelname.lower()}{end} {record.getMessage()} {facts}".rstrip()
        line += f" client_id={client_id}" if client_id and "client_id" not in vars(record) else ""
        line += f" request_id={request_id}" if request_id else ""
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redacted(line)


def configure(level: str, style: str) -> None:
    """Send every log line of this process to standard error. ``style``: ``json`` or ``text``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    handler.addFilter(without_malformed_bytes)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def without_malformed_bytes(record: logging.LogRecord) -> bool:
    """Drop the trace with which aiohttp reports a request that is not HTTP, as it quotes the request with its secrets."""
    kind = record.exc_info[0] if record.exc_info else None
    if kind is not None and kind.__module__.startswith("aiohttp.") and record.name.startswith("aiohttp."):
        record.exc_info = record.exc_text = None
    return True


def _on_one_line(value: object) -> str:
    """Escape a value, as input must neither forge a log line nor move a terminal's cursor."""
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
