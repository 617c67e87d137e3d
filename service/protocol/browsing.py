"""Requests of browsers and responses to them: values that the browser front translates from and to HTTP and HTML."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Visit(msgspec.Struct, frozen=True):
    """A browser's request.

    Attributes:
        parameters: Of the query (GET) or the form (POST), without empty values.
        session: The session cookie, "" for none.
        browser: The cookie that binds interactions to this browser, "" for none.
        device: The cookie that identifies a browser after a sign-in, "" for none.
        address: The IP address as text.
        languages: Of Accept-Language, the preferred one first.
        user_agent: The value of the User-Agent header.
        framed: Whether the page is to be shown inside another one (Sec-Fetch-Dest), which our pages refuse.
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
    """A page to show: its template and values (see ``fronts/pages``)."""

    name: str
    values: Mapping[str, Any] = {}
    status: int = 200


class Redirect(msgspec.Struct, frozen=True):
    """A redirect by 303, so that the fields of a form are not sent along (RFC 9700 section 4.12)."""

    location: str


class FormPost(msgspec.Struct, frozen=True):
    """A page that posts these fields by itself (OAuth 2.0 Form Post Response Mode)."""

    action: str
    fields: Mapping[str, str]


class Reply(msgspec.Struct, frozen=True):
    """The response to a browser, with the cookies to set; "" deletes one, None leaves it."""

    what: Page | Redirect | FormPost
    session: str | None = None
    browser: str | None = None
    device: str | None = None
    languages: tuple[str, ...] = ()  # those of the client (ui_locales), which come before those of the browser
