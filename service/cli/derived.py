"""Commands that their operation describes: its name, its input as arguments and options, its columns as a table.

What a command says besides (its help with an example, a question, a message) is given where it is added to its group.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from service.admin.operations import AnyOperation, Do
from service.cli.acting import IDS_MAY_BEGIN_WITH_A_DASH, act, do
from service.cli.client_options import read_json
from service.cli.json_output import Json, emit
from service.cli.listing import Cursor, Limit, collect, each_once, report_rest
from service.cli.moments import Since, UnusedFor, duration_seconds, since_seconds
from service.cli.output import facts, say, table
from service.cli.prompts import Yes, confirm

_IDS = ("sid", "kid", "grant_id")
_NOT_HERE = ("cursor", "limit", "if_match")
"""Members of an input that are no options of their own: a list has its own ways, and a command changes what is there now."""
_LIMITS = {"ge": "min", "le": "max"}
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def stays_a_group() -> None:
    """Keep the only command of a group a command of its own, as the callback of the group."""


def add_command(
    app: typer.Typer,
    operation: AnyOperation,
    text: str,
    *,
    name: str = "",
    flags: Mapping[str, str] | None = None,
    question: str = "",
    waiting: str = "",
    work: Callable[[Do, dict[str, Any]], Awaitable[dict[str, Any]]] | None = None,
    said: str = "",
    show: Callable[[dict[str, Any]], None] | None = None,
    as_json: Callable[[dict[str, Any]], Any] = lambda output: output,
) -> None:
    """Add the command of an operation.

    Args:
        app: The group.
        operation: What it does. Members of its input without a default are arguments, the others options.
        text: Its help, with an example.
        name: What it is called, if not like its operation.
        flags: Options of members that are not called like them, ``--user USERNAME``, also of those that would be arguments.
        question: What is asked before something ends; ``{member}`` stands for what was given.
        waiting: What a terminal shows meanwhile.
        work: Does it, where that takes more than one call.
        said: What is said afterwards; ``{member}`` stands for what came back.
        show: Shows what came back, line by line unless given. Nothing is shown where only something is said.
        as_json: What ``--json`` prints, of what came back.
    """
    if question and not operation.is_destructive:
        raise ValueError(f"{operation.name} asks, though nothing ends by it")

    def run(json: bool, yes: bool = False, **given: object) -> None:
        if question:
            confirm(question.format(**given), yes=yes)
        read = _read(operation, given)
        output = act(lambda do: work(do, read), waiting) if work else do(operation, waiting, **read)
        if json:
            emit(as_json(output))
            return
        if show or not said:
            (show or facts)(output)
        if said:
            say(said.format(**output))

    confirmation = [inspect.Parameter("yes", _KEYWORD, default=False, annotation=Yes)] if question else []
    _register(app, operation, name, text, run, [*_parameters(operation, flags or {}), *confirmation])


def add_list(
    app: typer.Typer,
    operation: AnyOperation,
    text: str,
    noun: str = "",
    *,
    flags: Mapping[str, str] | None = None,
    is_scan: bool = False,
    row: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda row: row,
) -> None:
    """Add the command that lists what an operation lists, page by page where it has pages, in its columns.

    Args:
        app: The group.
        operation: Lists them.
        text: Its help, with an example.
        noun: What one of them is called, where there are pages.
        flags: Options of members that are not called like them, also of those that would be arguments.
        is_scan: Whether keys are scanned in no order, so that one may be met twice: each is then shown once, by its name.
        row: What the table shows of one of them.
    """
    member = next(iter(operation.output.model_fields))

    def run(json: bool, limit: int = 0, cursor: str = "", **given: Any) -> None:  # noqa: ANN401 (as typer reads them)
        if "since" in given:
            given["since"] = since_seconds(given["since"])
        if "unused_for" in given:
            given["unused_for"] = duration_seconds(given["unused_for"])
        if not noun:
            output = do(operation, **given)
        else:
            found, following = collect(operation, member, limit, cursor, **given)
            output = {member: each_once(found, operation.columns[0]) if is_scan else found, "cursor": following}
        if json:
            emit(output)
            return
        table(map(row, output[member]), operation.columns)
        if noun:
            report_rest(output["cursor"], len(output[member]), noun)

    paging = [
        inspect.Parameter("limit", _KEYWORD, default=100, annotation=Limit),
        inspect.Parameter("cursor", _KEYWORD, default="", annotation=Cursor),
    ]
    _register(app, operation, "list", text, run, [*_parameters(operation, flags or {}), *(paging if noun else ())])


def _register(
    app: typer.Typer,
    operation: AnyOperation,
    name: str,
    text: str,
    run: Callable[..., None],
    parameters: list[inspect.Parameter],
) -> None:
    """Put the parameters into the function's signature, which is where typer looks for them."""
    parameters = [*parameters, inspect.Parameter("json", _KEYWORD, default=False, annotation=Json)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = text
    has_id = any(name in _IDS for name in operation.input.model_fields)
    command = name or operation.name.partition(".")[2].replace("_", "-")
    app.command(command, context_settings=IDS_MAY_BEGIN_WITH_A_DASH if has_id else None)(run)


def _parameters(operation: AnyOperation, flags: Mapping[str, str]) -> Iterator[inspect.Parameter]:
    for name, field in operation.input.model_fields.items():
        if name in _NOT_HERE:
            continue
        default = inspect.Parameter.empty if field.is_required() else None if _is_many(field) else field.default
        if name == "since":
            yield inspect.Parameter(name, _KEYWORD, default="", annotation=Since)
        elif name == "unused_for":
            yield inspect.Parameter(name, _KEYWORD, default="", annotation=UnusedFor)
        else:
            kind: Any = Annotated[_type(field), _described(name, field, flags.get(name))]
            yield inspect.Parameter(name, _KEYWORD, default=default, annotation=kind)


def _described(name: str, field: FieldInfo, flag: str | None) -> object:
    """The argument or option of a member, described as its operation describes it."""
    if field.is_required() and flag is None:
        return typer.Argument(metavar=name.upper(), help=field.description, show_default=False)
    flag, _, metavar = (flag or f"--{name.replace('_', '-')}").partition(" ")
    if not metavar and field.annotation is not bool:
        metavar = flag.removeprefix("--").upper()
    limits = {to: getattr(one, of) for one in field.metadata for of, to in _LIMITS.items() if hasattr(one, of)}
    text = f"{field.description} May be repeated." if _is_many(field) else field.description
    return typer.Option(flag, help=text, metavar=metavar, **limits)


def _is_many(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _type(field: FieldInfo) -> object:
    """What typer reads a member as."""
    kinds = get_args(field.annotation) or (field.annotation,)
    plain = [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds]
    scalars = (kind for kind in plain if isinstance(kind, type))
    found: Any = next((kind for kind in scalars if kind in (int, bool) or issubclass(kind, StrEnum)), str)
    return list[found] | None if _is_many(field) else found


def _read(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given as the operation takes it: what is repeated as a list, scopes word by word, JSON as what it says."""
    read: dict[str, Any] = {}
    for name, value in given.items():
        field = operation.input.model_fields[name]
        if _is_many(field):
            read[name] = [word for text in value or () for word in (text.split() if name == "scopes" else (text,))]
        elif value is not None and "dict" in str(field.annotation):
            read[name] = read_json(f"--{name}", value)
        else:
            read[name] = value
    return read
