"""Commands that their operation describes: its name, its input as arguments and options, its columns as a table.

What a command says besides (its help with an example, a question, a message) is given where it is added to its group.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, get_args

import typer
from pydantic.fields import FieldInfo

from service.admin.operations import Operation
from service.cli.acting import IDS_MAY_BEGIN_WITH_A_DASH, do
from service.cli.listing import Cursor, Limit, collect, each_once, tell_rest
from service.cli.moments import Since, since_seconds
from service.cli.output import Json, emit, facts, say, table
from service.cli.prompts import Yes, confirm

_IDS = ("sid", "kid", "grant_id")
_NOT_HERE = ("cursor", "limit", "if_match")
"""Members of an input that are no options of their own: a list has its own ways, and a command changes what is there now."""
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def add_command(
    app: typer.Typer,
    operation: Operation[Any],
    text: str,
    *,
    flags: Mapping[str, str] | None = None,
    question: str = "",
    waiting: str = "",
    said: str = "",
    as_json: Callable[[dict[str, Any]], Any] = lambda output: output,
) -> None:
    """Add the command of an operation.

    Args:
        app: The group.
        operation: What it does. Members of its input without a default are arguments, the others options.
        text: Its help, with an example.
        flags: Options of members that are not called like them, also of those that would be arguments.
        question: What is asked before something ends; ``{member}`` stands for what was given.
        waiting: What a terminal shows meanwhile.
        said: What is said afterwards; ``{member}`` stands for what came back. Without it what came back is shown.
        as_json: What ``--json`` prints, of what came back.
    """

    def run(json: bool, yes: bool = False, **given: Any) -> None:
        if question:
            confirm(question.format(**given), yes=yes)
        output = do(operation, waiting, **given)
        if json:
            emit(as_json(output))
        elif said:
            say(said.format(**output))
        else:
            facts(output)

    asked = [inspect.Parameter("yes", _KEYWORD, default=False, annotation=Yes)] if question else []
    _register(app, operation, text, run, [*_parameters(operation, flags or {}), *asked])


def add_list(
    app: typer.Typer,
    operation: Operation[Any],
    text: str,
    noun: str,
    *,
    flags: Mapping[str, str] | None = None,
    is_scan: bool = False,
) -> None:
    """Add the command that lists what an operation lists, page by page, in its columns.

    Args:
        app: The group.
        operation: Lists them.
        text: Its help, with an example.
        noun: What one of them is called.
        flags: Options of members that are not called like them, also of those that would be arguments.
        is_scan: Whether keys are scanned in no order, so that one may be met twice: each is then shown once, by its name.
    """
    (member,) = (name for name in operation.output.model_fields if name != "cursor")

    def run(json: bool, limit: int, cursor: str, **given: Any) -> None:
        if "since" in given:
            given["since"] = since_seconds(given["since"])
        found, following = collect(operation, member, limit, cursor, **given)
        rows = each_once(found, operation.columns[0]) if is_scan else found
        if json:
            emit({member: rows, "cursor": following})
            return
        table(rows, operation.columns)
        tell_rest(following, len(rows), noun)

    paging = [
        inspect.Parameter("limit", _KEYWORD, default=100, annotation=Limit),
        inspect.Parameter("cursor", _KEYWORD, default="", annotation=Cursor),
    ]
    _register(app, operation, text, run, [*_parameters(operation, flags or {}), *paging])


def _register(
    app: typer.Typer,
    operation: Operation[Any],
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
    command = operation.name.partition(".")[2].replace("_", "-")
    app.command(command, context_settings=IDS_MAY_BEGIN_WITH_A_DASH if has_id else None)(run)


def _parameters(operation: Operation[Any], flags: Mapping[str, str]) -> Iterator[inspect.Parameter]:
    for name, field in operation.input.model_fields.items():
        if name in _NOT_HERE:
            continue
        default = inspect.Parameter.empty if field.is_required() else field.default
        if name == "since":
            yield inspect.Parameter(name, _KEYWORD, default="", annotation=Since)
        else:
            kind: Any = Annotated[_type(field), _described(name, field, flags.get(name))]
            yield inspect.Parameter(name, _KEYWORD, default=default, annotation=kind)


def _described(name: str, field: FieldInfo, flag: str | None) -> Any:
    """The argument or option of a member, described as its operation describes it."""
    if field.is_required() and flag is None:
        return typer.Argument(metavar=name.upper(), help=field.description, show_default=False)
    flag = flag or f"--{name.replace('_', '-')}"
    metavar = "" if field.annotation is bool else flag.removeprefix("--").upper()
    return typer.Option(flag, help=field.description, metavar=metavar)


def _type(field: FieldInfo) -> Any:
    """What typer reads a member as."""
    kinds = get_args(field.annotation) or (field.annotation,)
    return next((kind for kind in kinds if kind in (int, bool) or issubclass(kind, StrEnum)), str)
