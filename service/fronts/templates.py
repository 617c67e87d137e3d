"""How every front reads its templates: what is shown is escaped, and a value that is missing is an error."""

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined


def open_templates(loader: BaseLoader, bytecode_cache: BytecodeCache | None = None) -> Environment:
    """Templates by name. ``bytecode_cache``: where compiled ones are kept, if a process opens them more than once."""
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=bytecode_cache,
    )
