"""What comes from a browser, and what goes back to it: values that the browser front turns into HTTP and HTML."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Visit(msgspec.Struct, frozen=True):
    """A browser's request.

    ``parameters``: of the query (GET) or the form (POST), empty values left out; ``session``: the session cookie, ``browser``:
    the cookie that ties open questions to this browser, ``device``: the one by which a browser is known after a sign-in, each
    "" where there is none; ``address``: IP address as text; ``languages``: of Accept-Language, the preferred one first;
    ``user_agent``: as it calls itself; ``framed``: the page that it asks for is to be shown inside another one
    (Sec-Fetch-Dest), where no page of ours shows.
    """

    method: str
    parameters: Mapping[str, str]
    resources: tuple[str, ...] = ()
    session: str = ""
    browser: str = ""
    device: str = ""
    address: str = ""
    languages: tuple[str, ...] = ()
    user_agent: str = ""
    framed: bool = False

    @property
    def is_post(self) -> bool:
        """Whether a form was sent."""
        return self.method == "POST"


class Page(msgspec.Struct, frozen=True):
    """A page to show: which template, with what values (see ``fronts/pages``)."""

    name: str
    values: Mapping[str, Any] = {}
    status: int = 200


class Redirect(msgspec.Struct, frozen=True):
    """Go there (303, RFC 9700 section 4.12: a form's fields must not travel along)."""

    location: str


class FormPost(msgspec.Struct, frozen=True):
    """A page that posts these fields by itself (OAuth 2.0 Form Post Response Mode)."""

    action: str
    fields: Mapping[str, str]


class Reply(msgspec.Struct, frozen=True):
    """What a browser gets, with the cookies to set; "" deletes one, None leaves it."""

    what: Page | Redirect | FormPost
    session: str | None = None
    browser: str | None = None
    device: str | None = None
    languages: tuple[str, ...] = ()  # what the client asked for (ui_locales), before what the browser prefers
