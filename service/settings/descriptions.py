"""Descriptions of settings: the docstrings of their fields, read from the sources where settings are listed.

A server shows none of them, and reading them took a seventeenth of its start.
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from service.settings import GROUPS, Settings
from service.settings.group import SettingsGroup


@cache
def described() -> type[Settings]:
    """Return ``Settings`` with a description of each field, on one line. Raises OSError where the sources are not there."""
    for group in GROUPS:
        texts = _docstrings(group)
        for name in group.model_fields:
            for field in (group.model_fields[name], Settings.model_fields[name]):
                field.description = " ".join((field.description or texts.get(name, "")).split())
    Settings.model_rebuild(force=True)
    return Settings


def _docstrings(group: type[SettingsGroup]) -> dict[str, str]:
    """Return the docstring of each field that has one."""
    source = ast.parse(inspect.getsource(sys.modules[group.__module__]))
    written = next(one for one in source.body if isinstance(one, ast.ClassDef) and one.name == group.__name__)
    return {
        field.target.id: text.value.value
        for field, text in pairwise(written.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
