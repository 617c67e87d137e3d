"""YAML in which no name stands twice in a mapping; YAML itself silently takes the last one."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import yaml  # type: ignore[import-untyped]


class UniqueLoader(yaml.SafeLoader):  # type: ignore[misc]
    """A loader that refuses duplicate names."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """Return the value of a node. Raises ConstructorError, also where it is none of the type that it is said to be."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError) as error:  # each type has its own way to fail
            problem = f"not a value of the type {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping. Raises ConstructorError."""
        names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode) and name.value != "<<"]
        if twice := first_twice(names):
            raise yaml.constructor.ConstructorError(None, None, f"{twice} stands there twice", node.start_mark)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def fault_of(error: yaml.YAMLError) -> str:
    """Return in one line why a text is no YAML, without the lines of it, as they may hold secrets."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"must be printable text in UTF-8, and has #x{error.character:02x} at position {error.position}"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    problem = error.problem
    if "alias" in problem or "tag" in problem:  # which quote a value that begins with * or ! and has no quotes
        problem = problem.partition(" '")[0]
    return f"{problem} (line {error.problem_mark.line + 1})"


def first_twice(names: Iterable[str]) -> str | None:
    """Return a name that occurs more than once, the first in alphabetical order."""
    return min((name for name, count in Counter(names).items() if count > 1), default=None)
