"""The template environment of every front: values are escaped, and a missing value is an error."""

from collections.abc import Callable

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined


def open_templates(
    loader: BaseLoader, bytecode_cache: BytecodeCache | None = None, finalize: Callable[[object], object] | None = None
) -> Environment:
    """Return the environment.

    Args:
        loader: Finds the templates.
        bytecode_cache: Keeps compiled templates for a process that opens them more than once.
        finalize: Changes each value that is shown, before it is escaped.
    """
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=bytecode_cache,
        finalize=finalize,
    )
