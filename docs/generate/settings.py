"""Every setting, from the groups of settings."""

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generate.schemas import default_in_words, type_in_words
from docs.generate.tables import anchor
from service.settings import GROUPS, PREFIX, Settings
from service.settings.descriptions import described
from service.settings.group import SettingsGroup, example_of, heading_of, unit_of
from service.settings.hooks import HookSettings
from service.settings.tokens import ResourceTokens

_HEAD = f"""# Settings

A setting such as `redis_url` is, in this order of precedence, the environment variable `{PREFIX}REDIS_URL`,
`redis_url = "…"` in the TOML or YAML file that `{PREFIX}CONFIG` names, or the content of a file `redis_url` in the folder
that `{PREFIX}SECRETS_DIR` names. Lists in the environment are words with commas between them, or JSON; tables are JSON.
`mintmark settings` shows the value of each and where it comes from; unknown and faulty ones are all reported at once, and
nothing starts.
"""
_COLUMNS = "| setting, environment variable | type | default | effect |\n|---|---|---|---|\n"
_NESTED: dict[str, type[BaseModel]] = {"resource_tokens": ResourceTokens, "hooks": HookSettings}
_WORDS = {"string": "text", "object": "table"}


def page() -> str:
    """The whole page."""
    described()
    return _HEAD + "".join(map(_section, GROUPS)).replace("``", "`")


def _section(group: type[SettingsGroup]) -> str:
    types = _types(Settings)
    rows = "".join(_row(name, field, types[name]) for name, field in group.model_fields.items())
    members = "".join(_members(name, _NESTED[name]) for name in group.model_fields if name in _NESTED)
    return f"\n## {heading_of(group)}\n\n{_COLUMNS}{rows}{members}"


def _row(name: str, field: FieldInfo, type_: str) -> str:
    effect = " ".join(filter(None, (field.description, f"Example: `{example_of(field)}`" if field.examples else "")))
    kind = ", ".join(filter(None, (type_, unit_of(field))))
    cells = (f"{anchor(name)}`{name}`<br>`{PREFIX}{name.upper()}`", kind, _default(field), effect)
    return f"| {' | '.join(cells)} |\n"


def _members(name: str, model: type[BaseModel]) -> str:
    types = _types(model)
    rows = (
        f"| `{member}` | {types[member]} | {_default(field)} | {field.description} |\n"
        for member, field in model.model_fields.items()
    )
    return f"\nMembers of an entry of `{name}`:\n\n| member | type | default | effect |\n|---|---|---|---|\n{''.join(rows)}"


def _default(field: FieldInfo) -> str:
    """The default as it would be written."""
    if field.is_required():
        return "required"
    return default_in_words(field.get_default(call_default_factory=True, validated_data={}))


def _types(model: type[BaseModel]) -> dict[str, str]:
    """The type of each field in words, from its JSON schema."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def spelled(name: str) -> str:
        return type_in_words(definitions[name], spelled, _WORDS)

    return {name: type_in_words(found, spelled, _WORDS) for name, found in schema["properties"].items()}
