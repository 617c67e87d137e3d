"""Lua scripts with a contract: the header of ``lua/<name>.lua`` names keys, arguments and answers, and code is checked by it.

```
#!lua
-- What the act is, in one line.
-- KEYS  grant, code
-- ARGV  access_hash, access_ends
-- RETURNS redeemed | spent | unknown
```

The body begins with ``local grant, code = unpack(KEYS)`` in the same order. ``-- INCLUDE name`` is replaced by
``lua/shared/name.lua``: a server makes each function of it anew whenever it comes there, so what is seldom needed is included
where it is needed. Numbers in commands are written as strings, since Redis 7.0 prints a number of Lua with 17 digits first.
``#!lua`` makes Redis ≥ 7 treat the script by its flags; Redis 6.2 does not know the line, so it is dropped there. Two acts that
belong together are one call where a call may cross slots (``Joined``).
"""

import re
from enum import StrEnum
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, Generic, TypeVar

from service.redis.connection import Connection, KeyedCommand
from service.redis.link import RedisReply, Word

_HEADER = re.compile(
    r"(?P<shebang>#!lua[^\n]*\n)"
    r"(?P<purpose>(?:--[^\n]*\n)+?)"
    r"-- KEYS  (?P<keys>[^\n]+)\n"
    r"-- ARGV  (?P<arguments>[^\n]+)\n"
    r"-- RETURNS (?P<answers>[^\n]+)\n"
)
_NONE = ("-",)

Given = tuple[tuple[str, ...], tuple[Word, ...]]
"""What a script is called with: its keys and its arguments."""

_Answer = TypeVar("_Answer", bound=StrEnum)


class ScriptContractError(Exception):
    """The header and the body of a script differ, or a caller does not keep to them."""


class ScriptText:
    """A script as servers get it.

    A ``confirmed`` script spends or ends something, so that with ``redis_wait_replicas`` its reply waits for replicas.
    """

    def __init__(self, name: str, text: str, *, confirmed: bool) -> None:
        self.name = name
        self.text = text
        self.plain_text = text.partition("\n")[2]
        self.confirmed = confirmed
        self.sha, self.plain_sha = _sha(self.text), _sha(self.plain_text)
        TEXTS.append(self)


class Script(ScriptText, Generic[_Answer]):
    """One act.

    Args:
        name: The name of the file, without ``.lua``.
        answers: The enumeration of the words that it may return.
        confirmed: Whether it spends or ends something, so that its reply waits for replicas (``redis_wait_replicas``).

    Raises:
        ScriptContractError: The header, the body and the answers differ.
    """

    def __init__(self, name: str, answers: type[_Answer], *, confirmed: bool = False) -> None:
        super().__init__(name, _load(name), confirmed=confirmed)
        self.keys, self.arguments, words = self._contract()
        unknown = set(words) - set(answers)
        if unknown:
            raise ScriptContractError(f"lua/{name}.lua: answers {sorted(unknown)}, which {answers.__name__} has not")
        self._answers = {word.encode(): answers(word) for word in words}
        SCRIPTS.append(self)

    def step(self, connection: Connection, keys: tuple[str, ...], arguments: tuple[Word, ...]) -> KeyedCommand:
        """Make the call a step for ``execute_all``; all keys are in one slot."""
        if len(keys) != len(self.keys) or len(arguments) != len(self.arguments):
            raise ScriptContractError(f"{self.name}: takes KEYS {self.keys} and ARGV {self.arguments}")
        sha = self.plain_sha if self.plain_sha in connection.scripts else self.sha
        return keys[0], ("EVALSHA", sha, len(keys), *keys, *arguments)

    def read(self, reply: RedisReply) -> tuple[_Answer, list[Any]]:
        """Split a reply into the answering word and the rest. Raises ScriptContractError for an unknown word."""
        word, rest = (reply[0], reply[1:]) if reply.__class__ is list else (reply, [])
        try:
            return self._answers[word], rest
        except KeyError as error:
            raise ScriptContractError(f"{self.name} answered {word!r}") from error

    async def run(self, connection: Connection, keys: tuple[str, ...], *arguments: Word) -> tuple[_Answer, list[Any]]:
        """Call it; one round trip. Raises TemporarilyUnavailable, StoreError."""
        key, command = self.step(connection, keys, arguments)
        return self.read(await connection.execute(key, *command))

    def _contract(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the names of keys and arguments, which header and body have in the same order, and the answers."""
        header = _HEADER.match(self.text)
        if header is None:
            raise ScriptContractError(f"lua/{self.name}.lua does not begin with its contract")
        keys, arguments = _names(header["keys"], ","), _names(header["arguments"], ",")
        for named, array in ((keys, "KEYS"), (arguments, "ARGV")):
            if (taken := _unpacked(self.text, array)) != named:
                raise ScriptContractError(f"lua/{self.name}.lua: {array}: header {named}, body {taken}")
        return keys, arguments, _names(header["answers"], "|")


class Joined(ScriptText):
    """Two acts in one call, one after the other: nothing comes between them, and the server parses and answers once.

    It is made of their texts. The reply is a list of both answers, each for ``read`` of its script. An error of the second
    act is the error of the call, though the first has been done: a repeated call finds that, as after a dropped connection.

    Raises:
        ScriptContractError: Their first lines differ, so servers treat them differently.
    """

    def __init__(self, first: Script[Any], second: Script[Any]) -> None:
        (shebang, _, body), (other, _, second_body) = first.text.partition("\n"), second.text.partition("\n")
        if shebang != other:
            raise ScriptContractError(f"{first.name} begins with {shebang}, {second.name} with {other}")
        for array, before in (("KEYS", first.keys), ("ARGV", first.arguments)):
            second_body = second_body.replace(f"unpack({array})", f"unpack({array}, {len(before) + 1})")
        self._counts = (len(first.keys), len(first.arguments), len(second.keys), len(second.arguments))
        self._key_count = len(first.keys) + len(second.keys)
        acts = f"local function first()\n{body}end\nlocal function second()\n{second_body}end\n"
        super().__init__(
            f"{first.name}+{second.name}",
            f"{shebang}\n{acts}return {{first(), second()}}\n",
            confirmed=first.confirmed or second.confirmed,
        )

    def step(self, connection: Connection, first: Given, second: Given) -> KeyedCommand:
        """Make the call of both a step."""
        (keys, arguments), (more_keys, more_arguments) = first, second
        if (len(keys), len(arguments), len(more_keys), len(more_arguments)) != self._counts:
            raise ScriptContractError(f"{self.name}: takes {self._counts} KEYS and ARGV")
        sha = self.plain_sha if self.plain_sha in connection.scripts else self.sha
        return keys[0], ("EVALSHA", sha, self._key_count, *keys, *more_keys, *arguments, *more_arguments)


SCRIPTS: list[Script[Any]] = []
"""Every script with a contract."""
TEXTS: list[ScriptText] = []
"""Every script, for servers that do not have it yet."""


@cache
def _load(name: str) -> str:
    text = files("service.store").joinpath("lua", f"{name}.lua").read_text("utf-8")
    return re.sub(r"^ *-- INCLUDE (\w+)\n", lambda found: _load(f"shared/{found[1]}"), text, flags=re.MULTILINE)


def _names(text: str, separator: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(separator))
    return () if names == _NONE else names


def _unpacked(text: str, array: str) -> tuple[str, ...]:
    found = re.search(rf"^local ([\w, ]+) = unpack\({array}\)$", text, flags=re.MULTILINE)
    return _names(found[1], ",") if found else ()


def _sha(text: str) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
