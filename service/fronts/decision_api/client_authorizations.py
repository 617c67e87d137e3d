"""The permissions of users for clients: listed by user, reduced or ended; and the remembered consent."""

from typing import Annotated

from pydantic import Field

from service.admin import authorizations
from service.admin.client_numbers import number_of
from service.fronts.decision_api import client_json
from service.fronts.decision_api.body import Subject, Text, Words
from service.fronts.decision_api.call import Body, Call, CallError, CallResult, Route, milliseconds
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.windows import WindowBody, cut


class SubjectBody(Body):
    """The user, here or in the path."""

    subject: Subject = ""


class ListAuthorizationsBody(WindowBody, SubjectBody):
    """The requested part of a user's list."""

    developer: Text = ""


class UpdateAuthorizationsBody(Body):
    """The scopes that the user allows from now on."""

    subject: Annotated[str, Field(min_length=1, max_length=255)]
    scopes: Words | None = None


async def get_list(call: Call, body: ListAuthorizationsBody) -> CallResult:
    """Return the clients that a user has authorized: those with a grant, or with a remembered consent."""
    subject = _subject(call, body)
    found = [] if body.developer else await authorizations.list_of_subject(call.issuer, subject)
    window = cut(found, body)
    listed = [await client_json.describe(call.issuer, one.client) for one in window.items]
    members = {"subject": subject, "developer": body.developer or None, "clients": listed}
    return CallResult(members=window.members(body) | members)


async def update(call: Call, body: UpdateAuthorizationsBody) -> CallResult:
    """Limit the client to these scopes of the user, in all grants and tokens that it has."""
    client = await call.client()
    if body.scopes is None:
        return CallResult(detail="No scopes were given, so nothing changed.")
    count = await authorizations.update(call.issuer, body.subject, client, body.scopes)
    facts = {"client_id": client.client_id}
    return CallResult(ResultCode.AUTHORIZATION_UPDATED, detail=f"Grants: {count}.", facts=facts)


async def delete(call: Call, body: SubjectBody) -> CallResult:
    """End everything that the user allowed the client."""
    client = await call.client()
    count = await authorizations.end(call.issuer, _subject(call, body), client.client_id)
    return CallResult(ResultCode.AUTHORIZATION_ENDED, detail=f"Grants: {count}.", facts={"client_id": client.client_id})


async def get_granted(call: Call, body: SubjectBody) -> CallResult:
    """Return the scopes of the newest living grant (latest), and of all grants and the remembered consent (merged)."""
    client = await call.client()
    subject = _subject(call, body)
    held = await authorizations.get(call.issuer, subject, client.client_id)
    listed = {"clientId": await number_of(call.issuer, client), "subject": subject}
    if held is not None:
        listed |= {
            "latestGrantedScopes": list(held.latest),
            "mergedGrantedScopes": list(held.scopes),
            "modifiedAt": milliseconds(held.changed_at),
        }
    return CallResult(members=listed)


async def delete_granted(call: Call, body: SubjectBody) -> CallResult:
    """Forget the consent of the user, who is asked again next time; grants stay."""
    client = await call.client()
    await authorizations.forget_consent(call.issuer, _subject(call, body), client.client_id)
    return CallResult(facts={"client_id": client.client_id})


def _subject(call: Call, body: SubjectBody) -> str:
    """Return the subject: Authlete 3 has it in the path, Authlete 2 in the body or the query. Raises CallError."""
    subject = call.path.get("subject") or body.subject
    if not subject or len(subject) > 255:
        raise CallError(ResultCode.MALFORMED, "subject: 1 to 255 characters are needed.")
    return subject


_AUTHORIZATION, _GRANTED = "/client/authorization", "/client/granted_scopes"
ROUTES = (
    Route(f"{_AUTHORIZATION}/get/list", get_list, ListAuthorizationsBody, ("POST", "GET")),
    Route(f"{_AUTHORIZATION}/get/list/{{subject}}", get_list, ListAuthorizationsBody, ("POST", "GET")),
    Route(f"{_AUTHORIZATION}/update/{{client}}", update, UpdateAuthorizationsBody),
    *(
        Route(f"{path}/{{client}}{subject}", answer, SubjectBody, ("POST", method))
        for path, answer, method in (
            (f"{_AUTHORIZATION}/delete", delete, "DELETE"),
            (f"{_GRANTED}/get", get_granted, "GET"),
            (f"{_GRANTED}/delete", delete_granted, "DELETE"),
        )
        for subject in ("", "/{subject}")
    ),
)
