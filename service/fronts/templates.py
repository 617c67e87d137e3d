"""The template environment of every front: values are escaped, and a missing value is an error."""

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined


def open_templates(loader: BaseLoader, bytecode_cache: BytecodeCache | None = None) -> Environment:
    """Return the environment; ``bytecode_cache`` keeps compiled templates for a process that opens them more than once."""
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=bytecode_cache,
    )
