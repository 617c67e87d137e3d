"""The operator's folder of pages: finding files in it that would never be used."""

import re
from collections.abc import Collection
from pathlib import Path

from jinja2 import Environment, TemplateError, meta

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.IGNORECASE)


def unknown_files(folder: Path, environment: Environment, templates: Collection[str]) -> list[str]:
    """Return the files that replace none of ours, and that no template includes: misspelt, or in the wrong place.

    Args:
        folder: ``pages_folder``; templates, texts and stylesheet lie in it side by side.
        environment: Finds and parses the templates.
        templates: The names of ours.

    Returns:
        Paths below the folder, sorted.
    """
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    known, due = {"style.css"}, [*templates, *(name for name in found if _is_text(name))]
    while due:
        name = due.pop()
        if name not in known:
            known.add(name)
            due += _included(folder / name, environment)
    return sorted(name for name in found - known if not name.rpartition("/")[2].startswith("."))


def _is_text(name: str) -> bool:
    return name.endswith(".toml") and bool(_LANGUAGE.fullmatch(name.removesuffix(".toml")))


def _included(path: Path, environment: Environment) -> list[str]:
    """Return the names that a template of the folder extends, imports or includes."""
    if path.suffix == ".toml" or not path.is_file():
        return []
    try:
        parsed = environment.parse(path.read_text("utf-8"))
    except (TemplateError, UnicodeDecodeError):  # reported where the template is used
        return []
    return [name for name in meta.find_referenced_templates(parsed) if name]
