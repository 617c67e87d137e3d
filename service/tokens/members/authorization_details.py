"""authorization_details: what a client asks for in JSON, type by type (RFC 9396)."""

from collections.abc import Sequence
from typing import Any

from service.hooks.facts import about_details
from service.issuer import Issuer
from service.protocol.authorization_details import (
    NAME,
    Detail,
    concerning,
    facts_of,
    filled,
    is_within,
    parse,
)
from service.protocol.display_names import spelled_out
from service.protocol.errors import InvalidAuthorizationDetails
from service.records.client import Client
from service.settings.details_types import DetailsType
from service.tokens.members.grant_member import Described, DescribedFact, GrantMember


def grant(issuer: Issuer, client: Client, text: str) -> list[Detail]:
    """Return the details where the client may ask for all of them. Raises InvalidAuthorizationDetails."""
    details = parse(text)
    check(issuer, client, details)
    return details


async def judge(issuer: Issuer, client: Client, subject: str, details: list[Detail]) -> None:
    """Let the hooks of the types allow the details. Raises InvalidAuthorizationDetails, TemporarilyUnavailable."""
    await _ask_hooks(issuer, client, subject, details)


def check(issuer: Issuer, client: Client, details: Sequence[Detail]) -> None:
    """Check types and schemas, for this client. Raises InvalidAuthorizationDetails."""
    for number, detail in enumerate(details):
        if detail["type"] not in client.authorization_details_types:
            known = detail["type"] in issuer.settings.authorization_details_types
            log = "the client is not registered for the type" if known else "there is no such type"
            raise InvalidAuthorizationDetails(
                f"The type of authorization_details[{number}] is unknown, or not allowed for this client.", log=log
            )
    _check_schemas(issuer, details)


def narrow(issuer: Issuer, held: list[Detail] | None, text: str) -> list[Detail]:
    """Return the details that a later request asks for. Raises InvalidAuthorizationDetails where more than was granted."""
    details = parse(text)
    if not is_within(details, held or []):
        raise InvalidAuthorizationDetails("The authorization_details go beyond what was granted.")
    _check_schemas(issuer, details)
    return details


async def describe(issuer: Issuer, client: Client, subject: str, details: list[Detail]) -> list[Described]:
    """Describe each detail in the words of its hook, or else of the settings. Raises InvalidAuthorizationDetails."""
    titles = await _ask_hooks(issuer, client, subject, details)
    return [_described(issuer, detail, titles.get(number, "")) for number, detail in enumerate(details)]


def _check_schemas(issuer: Issuer, details: Sequence[Detail]) -> None:
    for number, detail in enumerate(details):
        known = issuer.settings.authorization_details_types.get(detail["type"])
        if known is None:
            raise InvalidAuthorizationDetails(
                f"The type of authorization_details[{number}] is unknown, or not allowed for this client.",
                log="there is no such type",
            )
        if not known.json_schema:
            continue
        fault = next(known.validator.iter_errors(detail), None)
        if fault is not None:
            where = ".".join([f"authorization_details[{number}]", *map(str, fault.absolute_path)])
            raise InvalidAuthorizationDetails(f"{where[:200]} does not fit its type ({fault.validator}).")


async def _ask_hooks(issuer: Issuer, client: Client, subject: str, details: Sequence[Detail]) -> dict[int, str]:
    """Let the hooks of the types allow the details. Return what they say of each, by its number.

    Raises InvalidAuthorizationDetails with the text of a hook that refuses, TemporarilyUnavailable.
    """
    types, said = issuer.settings.authorization_details_types, dict[int, str]()
    hooks = dict.fromkeys(name for one in details if one["type"] in types and (name := types[one["type"]].hook))
    for hook in hooks:
        numbers = [
            number for number, one in enumerate(details) if one["type"] in types and types[one["type"]].hook == hook
        ]
        facts = about_details(client.client_id, subject, [details[number] for number in numbers])
        said |= dict(zip(numbers, await issuer.hooks.judge_details(hook, facts), strict=False))
    return said


def summarize(issuer: Issuer, details: Sequence[Detail]) -> list[str]:
    """Return the title of each, in the words of the settings."""
    return [_described(issuer, detail, "").title for detail in details]


def _described(issuer: Issuer, detail: Detail, title: str) -> Described:
    known = issuer.settings.authorization_details_types.get(detail["type"], DetailsType())
    facts = (
        DescribedFact(path, known.label_at.get(path, ""), value)
        for path, value in facts_of(detail)
        if known.label_at.get(path) != "" and (title or path not in known.said_by_title)
    )
    words = spelled_out(title) if title else filled(known.title, detail) if known.title else spelled_out(detail["type"])
    return Described(words, tuple(facts))


def _metadata(issuer: Issuer) -> dict[str, Any]:
    return {"authorization_details_types_supported": sorted(issuer.settings.authorization_details_types) or None}


GRANT_MEMBER = GrantMember(
    name=NAME,
    grant=grant,
    narrow=narrow,
    describe=describe,
    judge=judge,
    summarize=summarize,
    concerning=concerning,
    open_to=lambda client, details: [one for one in details if one["type"] in client.authorization_details_types],
    metadata=_metadata,
)
