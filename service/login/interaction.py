"""Interactions: what users do between a request and its response, one class for each kind of request."""

from typing import ClassVar, Self, TypeVar, assert_never

import msgspec

from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import TemporarilyUnavailable
from service.records.client import Client
from service.records.interaction import REDIRECT, InteractionRecord, Progress
from service.records.session import Session


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    progress: Progress
    ticket: str = ""
    """Its ticket, "" until it waits."""
    kept: bytes = b""
    """The progress as it is in Redis, empty where there is none."""
    address: str = ""
    """The network address of the browser, "" where it is not known."""

    def seen_in(self, session: Session | None) -> Self:
        """Return it with what was proved and allowed in this very session."""
        progress = self.progress.seen_in(session)
        return self if progress is self.progress else msgspec.structs.replace(self, progress=progress)


class ClientInteraction(_Waiting, frozen=True, kw_only=True):
    """A client's authorization request."""

    client: Client
    request: AuthorizationRequest
    expects: str = ""
    """The subject that the client named, as it knows them, "" = anybody."""
    channel: str = REDIRECT
    """The channel by which the client gets the answer (``login.channels``)."""
    reference: str = ""
    """The name of the request in its channel."""

    @property
    def client_id(self) -> str:
        """The client that the user comes from."""
        return self.client.client_id

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the client asked for (ui_locales)."""
        return self.request.ui_locales


class PageInteraction(_Waiting, frozen=True, kw_only=True):
    """A page of ours that only users who are signed in may see."""

    return_to: str
    """The path of the page."""
    client_id: ClassVar[str] = ""
    languages: ClassVar[tuple[str, ...]] = ()


Interaction = ClientInteraction | PageInteraction
AnyInteraction = TypeVar("AnyInteraction", bound=Interaction)


class StaleError(Exception):
    """The form was sent already, out of order, too late, or not by us: nothing is changed."""

    def __init__(self, over: Interaction | None = None) -> None:
        """Keep the interaction that has ended, where it is known and can be started again."""
        super().__init__()
        self.over = over


class OtherBrowserError(Exception):
    """The interaction was started in another browser, or this one keeps no cookies."""


class CrowdedError(TemporarilyUnavailable):
    """Too much waits already on behalf of this network, of this browser, or of everybody."""

    def __init__(self) -> None:
        super().__init__("Too many requests wait for users to sign in; please try again soon.", retry_after=60)


def record_of(interaction: Interaction) -> InteractionRecord:
    """Return what is kept of an interaction when it is started."""
    progress = msgspec.structs.asdict(interaction.progress)
    match interaction:
        case ClientInteraction():
            return InteractionRecord(
                **progress,
                request=interaction.request,
                expects=interaction.expects,
                channel=interaction.channel,
                reference=interaction.reference,
            )
        case PageInteraction():
            return InteractionRecord(**progress, return_to=interaction.return_to)
        case _:
            assert_never(interaction)
