"""Commands derived from operations: the name, the input as arguments and options, the columns as a table.

The help with its example, a question and messages are given where a command is added to its group.
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
from service.cli.scope_words import hint_at_commas, scope_words

_IDS = ("sid", "kid", "grant_id")
_NOT_HERE = ("cursor", "limit", "if_match")
"""Members of inputs without an option: lists page by themselves, and commands change a record in any state."""
_LIMITS = {"ge": "min", "le": "max"}
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def stays_a_group() -> None:
    """Be the callback of a group with one command, which typer would otherwise merge into the group."""


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
        operation: The operation. Members of its input without a default become arguments, the others options.
        text: The help, with an example.
        name: The name of the command; "": that of the operation.
        flags: Options by member, such as ``--user USERNAME``, for members with another name, or instead of an argument.
        question: The question before something ends; ``{member}`` is replaced from the input.
        waiting: The text on a terminal meanwhile.
        work: Performs the operation, where that takes more than one call.
        said: The message afterwards; ``{member}`` is replaced from the output.
        show: Shows the output. None: line by line, or not at all where there is a message.
        as_json: Returns what ``--json`` prints for an output.
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
        hint_at_commas(read.get("scopes"))

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
    """Add the list command of an operation: its columns as a table, page by page where it has pages.

    Args:
        app: The group.
        operation: The operation.
        text: The help, with an example.
        noun: The word for one item; "": there are no pages.
        flags: Options by member, for members with another name, or instead of an argument.
        is_scan: Whether a scan may return an item twice; each is then shown once, by its first column.
        row: Returns the row of the table for an item.
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
    """Put the parameters into the signature of the function, where typer reads them, and add the command."""
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
    """Return the argument or option of a member, with the description of the operation."""
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
    """Return the type as which typer reads a member."""
    kinds = get_args(field.annotation) or (field.annotation,)
    plain = [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds]
    scalars = (kind for kind in plain if isinstance(kind, type))
    found: Any = next((kind for kind in scalars if kind in (int, bool) or issubclass(kind, StrEnum)), str)
    return list[found] | None if _is_many(field) else found


def _read(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of the operation: repeated options as lists, scopes split into words, JSON parsed."""
    read: dict[str, Any] = {}
    for name, value in given.items():
        field = operation.input.model_fields[name]
        if value is None:
            read[name] = None
        elif _is_many(field):
            read[name] = scope_words(value) if name == "scopes" else value
        elif "dict" in str(field.annotation):
            read[name] = read_json(f"--{name}", value)
        else:
            read[name] = value
    return read
