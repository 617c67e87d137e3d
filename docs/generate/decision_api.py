"""Every call of the decision API with its body, and every result code, from the list of routes."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import groupby, pairwise

from docs.generate.schemas import default_in_words, type_in_words
from docs.generate.tables import table
from service.fronts.decision_api import ROUTES
from service.fronts.decision_api.call import Body, Route
from service.fronts.decision_api.mounting import PREFIXES
from service.fronts.decision_api.result_codes import ResultCode

_IDS = re.compile(r" \((?:[A-Z]{2}-\d+[^)]*)\)")
_HEAD = f"""# Decision API

For backends that keep their own pages and users, and ask here what the protocol says; on the wire like Authlete 2 and 3. It is
at the operators' port (`admin_port`), below `{PREFIXES[0]}` or `{PREFIXES[1].replace("{service_id}", "{api key}")}`, once the
setting `decision_api_keys` has an entry; callers authenticate by API key and secret (HTTP Basic), or by an access token
(Bearer).

An answer is a JSON object with `resultCode`, `resultMessage` and, where there is a choice, `action`: what the backend is to do,
and `responseContent`, which it hands to the client as it is. Where it has `retryAfter`, the client may try again after so many
seconds. Members of a body that are not listed are ignored.

"""


def page() -> str:
    """The whole page."""
    routes = [(path, list(same)) for path, same in groupby(ROUTES, lambda route: route.path)]
    listed = table(
        ("call", "methods", "what it does"),
        ((f"[`{path}`](#{_anchor(path)})", _methods(same), _text(same[0])) for path, same in routes),
    )
    results = table(
        ("code", "meaning"), ((f"`{one.code}`", one.text) for one in sorted(ResultCode, key=lambda one: one.code))
    )
    sections = "".join(_section(path, same) for path, same in routes)
    return f"{_HEAD}{listed}{sections}\n## Result codes\n\nA code is never given another meaning.\n\n{results}"


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", path.lower())


def _methods(routes: list[Route]) -> str:
    return " ".join(method for route in routes for method in route.methods)


def _text(route: Route) -> str:
    return _IDS.sub("", (inspect.getdoc(route.answer) or "").partition("\n\n")[0]).replace("``", "`")


def _section(path: str, routes: list[Route]) -> str:
    parts = [f"\n## `{path}`\n"]
    for route in routes:
        parts.append(f"\n{' or '.join(route.methods)}. {_text(route)}\n")
        if members := table(("member", "type", "default", "what it says"), _members(route.body)):
            parts.append(f"\n{members}")
    return "".join(parts)


def _members(body: type[Body]) -> Iterator[tuple[str, str, str, str]]:
    schema = body.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    said = _docstrings(body)

    def named(name: str) -> str:
        found = definitions[name]
        return "object" if "properties" in found else type_in_words(found, named)

    fields = {field.alias or name: name for name, field in body.model_fields.items()}
    for alias, member in schema.get("properties", {}).items():
        default = "required" if alias in schema.get("required", ()) else default_in_words(member.get("default"))
        name = fields[alias]
        refused = f"Refused unless it is empty: {body.UNSUPPORTED[name]}." if name in body.UNSUPPORTED else ""
        yield f"`{alias}`", type_in_words(member, named), default, refused or said.get(name, "")


def _docstrings(body: type[Body]) -> dict[str, str]:
    """The string below each field, of the body and of what it is made of."""
    found: dict[str, str] = {}
    for kind in reversed(body.__mro__):
        if issubclass(kind, Body):
            found |= _below(kind)
    return found


def _below(body: type[Body]) -> dict[str, str]:
    try:
        (node,) = ast.parse(inspect.getsource(body)).body
    except OSError:  # made of the table of client metadata: it is no text
        return {}
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id: " ".join(below.value.value.split()).replace("``", "`")
        for field, below in pairwise(node.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
