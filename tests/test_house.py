"""The house rules: what is listed is there, what is there is listed and tested, tables in the docs equal the registries."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from docs.generate.redis_keys import KEPT
from service.admin.operations import OPERATIONS
from service.client_auth import METHODS
from service.endpoints import ENDPOINTS
from service.grants import GRANT_TYPES
from service.login.channels import CHANNELS
from service.login.steps import STEPS
from service.redis.script import SCRIPTS
from service.settings import Settings
from service.settings.descriptions import described
from service.store.keys import Keys
from service.tokens.binding import KEY_PROOFS
from service.tokens.members import GRANT_MEMBERS

ROOT = Path(__file__).parent.parent
SERVICE = ROOT / "service"
PROTOCOL = (ROOT / "docs" / "reference" / "protocol.md").read_text()

GUARD = ROOT / "guard" / "mintmark_guard"
ROOMS = ("service", "guard", "tests", "loadtests", "helm", "docs", "examples")
PYTHON = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "node_modules" not in path.parts]
"""Every Python file of the repository."""


def _modules(folder: str) -> set[str]:
    return {path.stem for path in (SERVICE / folder).glob("*.py")} - {"__init__"}


SHARED = {
    "grants": {"grant_type", "beginning_grants"},
    "client_auth": {"method", "evidence", "authenticate", "claimed", "secret", "assertion", "certificate"},
    "endpoints": {"endpoint", "metadata", "account_page", "bearer", "browser_session", "interaction_pages"},
    "login/steps": {"step"},
    "tokens/binding": {"key_proof"},
    "login/channels": {"channel"},
    "tokens/members": {"grant_member"},
}
"""Files of a room that are no entries of its list."""


@pytest.mark.parametrize(
    ("folder", "listed"),
    [
        ("grants", {grant_type.authorize.__module__.rpartition(".")[2] for grant_type in GRANT_TYPES.values()}),
        ("client_auth", set(METHODS)),
        ("endpoints", set(ENDPOINTS)),
        ("login/steps", {step.name for step in STEPS}),
        ("tokens/binding", set(KEY_PROOFS)),
        ("login/channels", set(CHANNELS)),
        ("tokens/members", set(GRANT_MEMBERS)),
    ],
)
def test_every_file_of_a_room_is_in_its_list(folder: str, listed: set[str]) -> None:
    assert _modules(folder) - SHARED[folder] == listed


@pytest.mark.parametrize("folder", ["grants", "client_auth", "endpoints"])
def test_every_listed_thing_has_a_test(folder: str) -> None:
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / folder).glob("test_*.py")}
    assert _modules(folder) - SHARED[folder] <= tests


@pytest.mark.parametrize("folder", ["grants", "client_auth", "endpoints", "login/steps"])
def test_the_import_contract_knows_every_entry(folder: str) -> None:
    """Entries of a list do not import each other: whatever is in the room and is not shared is under that contract."""
    room = f"service.{folder.replace('/', '.')}"
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one.get("modules") == [f"{room}.*"])
    shared = {line.removeprefix(f"{room}.* -> {room}.") for line in contract["ignore_imports"]}
    assert shared <= SHARED[folder]


def test_an_act_is_in_the_audit_log_under_the_name_of_its_operation() -> None:
    named = {operation.name: getattr(operation.act, "action", operation.name) for operation in OPERATIONS}
    assert all(name == action for name, action in named.items())


def test_tests_mirror_the_house() -> None:
    """A room has its tests in a folder of its name; what is of no room is one of the others."""
    others = {
        "attacks",
        "browser",
        "clients",
        "cluster",
        "conformance",
        "deploy",
        "docs",
        "guard",
        "helm",
        "image",
        "journeys",
        "loadtests",
        "release",
    }
    of_no_room = {
        "additions",
        "cutting_proxy",
        "house",
        "locks",
        "longest_first",
        "proofs",
        "redis_shapes",
        "round_trips",
        "words",
    }
    tests = ROOT / "tests"
    rooms = {path.parent.name for path in SERVICE.glob("*/__init__.py")}
    assert {path.parent.name for path in tests.glob("*/*.py")} - others == rooms
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert all((SERVICE / folder).is_dir() for folder in folders if folder.parts and folder.parts[0] not in others)
    assert {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")} - of_no_room <= _modules("")


def test_no_two_test_files_are_called_alike() -> None:
    """pytest imports them by their bare names."""
    named = [path.name for path in PYTHON if path.name.startswith("test_")]
    assert len(named) > 200
    assert not {name for name in named if named.count(name) > 1}


def test_every_script_has_its_wrapper() -> None:
    files = {path.stem for path in (SERVICE / "store" / "lua").glob("*.lua")}
    assert files == {script.name for script in SCRIPTS}


def test_every_shared_lua_fragment_is_used() -> None:
    scripts = "".join(path.read_text() for path in (SERVICE / "store" / "lua").glob("*.lua"))
    for fragment in (SERVICE / "store" / "lua" / "shared").glob("*.lua"):
        assert f"-- INCLUDE {fragment.stem}\n" in scripts


def test_only_keys_py_spells_the_prefix_of_keys() -> None:
    """A store may have another one; so nothing else makes a key, takes one apart by its length, or names a channel."""
    spelled = {path for path in SERVICE.rglob("*.*") if path.suffix in (".py", ".lua") and "mm:" in path.read_text()}
    assert spelled == {SERVICE / "store" / "keys.py"}
    assert (SERVICE / "store" / "keys.py").read_text().count("mm:") == 1


def test_every_room_has_a_sign() -> None:
    for path in (*SERVICE.rglob("__init__.py"), *GUARD.rglob("__init__.py")):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_no_function_is_longer_than_50_lines() -> None:
    """Functions fit the eye, with their signature and what they say of themselves."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in (*SERVICE.rglob("*.py"), *GUARD.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds) and node.end_lineno is not None and node.end_lineno - node.lineno + 1 > 50
    ]
    assert found == []


def test_no_file_is_longer_than_350_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PYTHON}
    assert not [f"{path.relative_to(ROOT)}: {length}" for path, length in lengths.items() if length > 350]


def test_a_public_name_of_a_class_is_that_of_one_class() -> None:
    """Whoever searches for a name finds one thing. An output of an operation is called as what it shows: the API names it."""
    found: dict[str, list[str]] = {}
    for path in SERVICE.rglob("*.py"):
        if path.parent.name == "operations":
            continue
        for node in ast.parse(path.read_text()).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]  # of a type: `Show | Go`
            for name in names:
                if re.fullmatch(r"[A-Z]+[a-z]\w*", name):
                    found.setdefault(name, []).append(str(path.relative_to(SERVICE)))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def test_no_call_is_shortened_by_a_splat() -> None:
    """``f(*(a, b, c))`` hides which argument is which: they are written out, or a value object has them."""
    splats = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                values = [argument.value for argument in node.args if isinstance(argument, ast.Starred)]
                literals = [value for value in values if isinstance(value, ast.Tuple | ast.List)]
                splats += [f"{path.relative_to(ROOT)}:{value.lineno}" for value in literals]
    assert not splats


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "base", "manager", "mixin"])
def test_no_path_is_called_by_a_word_that_says_nothing(word: str) -> None:
    assert not [path for path in (*SERVICE.rglob("*"), *GUARD.rglob("*")) if path.stem == word]


def test_pure_rooms_are_pure() -> None:
    """protocol and records: no await, no clock, no randomness of their own."""
    for folder in ("protocol", "records"):
        for path in (SERVICE / folder).rglob("*.py"):
            text = path.read_text()
            assert "async def" not in text, path
            assert not re.search(r"^(import|from) (time|datetime|random|secrets|asyncio|os)\b", text, re.MULTILINE), (
                path
            )


def test_every_setting_is_described() -> None:
    assert not [name for name, field in described().model_fields.items() if not field.description]


def test_the_page_of_the_protocol_lists_the_grant_types_and_methods_that_exist() -> None:
    for name in (*GRANT_TYPES, *METHODS):
        assert f"`{name}`" in PROTOCOL


def test_registries_are_typed() -> None:
    """Neither ``Any`` nor ``cast``: what does not fit its registry is an error for mypy."""
    registries = [*(SERVICE / "grants").glob("*.py"), *(SERVICE / "client_auth").glob("*.py")]
    for path in (*registries, SERVICE / "endpoints" / "endpoint.py"):
        assert not re.search(r"\bAny\b|\bcast\(", path.read_text()), path


def test_the_page_of_the_protocol_lists_every_endpoint_by_its_path() -> None:
    table = PROTOCOL.partition("| endpoint | what | standard |")[2].partition("\n\n")[0]
    for endpoint in ENDPOINTS.values():
        assert all(f"`{path}`" in table for path in endpoint.paths(Settings())), endpoint.name


def test_nothing_reads_like_unfinished_work() -> None:
    for path in (*SERVICE.rglob("*.py"), *GUARD.rglob("*.py")):
        assert not re.search(r"TODO|FIXME|XXX|NotImplementedError", path.read_text()), path


def test_the_guard_compares_target_uris_as_the_service_does() -> None:
    """It stands alone, so the file is there twice."""
    assert (GUARD / "target_uris.py").read_text() == (SERVICE / "protocol" / "target_uris.py").read_text()


def test_the_changelog_says_each_thing_once() -> None:
    """Changes are merged by union: a heading or an entry may come twice by it."""
    unreleased = (ROOT / "CHANGELOG.md").read_text().partition("## [Unreleased]\n")[2].partition("\n## ")[0]
    for lines in (re.findall(r"^### .*", unreleased, re.MULTILINE), re.findall(r"^- .*", unreleased, re.MULTILINE)):
        assert len(lines) == len(set(lines)), sorted(line for line in set(lines) if lines.count(line) > 1)


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def test_the_table_of_rooms_is_the_rooms() -> None:
    assert "| I want to … | look here |" in CONTRIBUTING, "which is tested below"
    table = CONTRIBUTING.partition("| room | what lives there |")[2].partition("\n\n")[0]
    rooms = [f"service/{path.parent.name}/" for path in SERVICE.glob("*/__init__.py")]
    files = [f"service/{path.name}" for path in SERVICE.glob("*.py") if not path.name.startswith("__")]
    assert sorted(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == sorted([*rooms, *files])


PLACES = [
    place
    for row in CONTRIBUTING.partition("| I want to … | look here |")[2].partition("\n\n")[0].splitlines()
    for place in re.findall(r"`([\w/]+(?:/|\.py|\.lua))`(?: `(\w+)`)?", row)
]


@pytest.mark.parametrize(("path", "symbol"), PLACES)
def test_who_wants_to_do_something_finds_it_where_contributing_says(path: str, symbol: str) -> None:
    assert (SERVICE / path).exists() or (ROOT / path).exists()
    assert not symbol or re.search(
        rf"^ *(?:(?:async )?def|class) {symbol}\b|^{symbol}\b.*=", (SERVICE / path).read_text(), re.MULTILINE
    )


def test_of_every_kind_of_key_is_said_how_it_is_kept_and_ends() -> None:
    assert set(Keys.made()) == set(KEPT)
