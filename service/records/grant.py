"""The grant: who allowed which client what. Everything a grant issues names it and dies with it."""

from typing import Any

from service.records.json import Record
from service.records.property import Property


class Grant(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={
        "client_id": "c",
        "subject": "u",
        "username": "n",
        "scope": "s",
        "grant_type": "t",
        "client_generation": "v",
        "issued_at": "i",
        "audience": "a",
        "auth_time": "at",
        "acr": "ac",
        "amr": "am",
        "session": "se",
        "properties": "p",
        "userinfo_claims": "uc",
        "id_token_claims": "ic",
        "sub": "sb",
        "access_token_claims": "tc",
    },
):
    """``issued_at`` and ``auth_time``: epoch seconds, 0 where unknown; ``scope``: space-separated; ``subject`` is empty
    for client_credentials; ``username`` is empty where it equals the subject; ``client_generation``: the generation of
    the client record at the time (see Client); ``grant_type``: how the grant came to be (IA-13 to IA-17);
    ``session``: the ``sid`` of the session it was given in; ``userinfo_claims``: names that the claims parameter asks for
    at UserInfo; ``id_token_claims``: values that it put into ID tokens, as they were when the person agreed; ``sub``: what
    clients call the subject, where a caller of the decision API said so; ``access_token_claims``: of the person, for access
    tokens, None where they were not looked up; a value of None: the person has no such claim.
    """

    client_id: str
    subject: str = ""
    username: str = ""
    scope: str = ""
    grant_type: str = "authorization_code"
    client_generation: int = 0
    issued_at: int = 0
    audience: tuple[str, ...] = ()
    auth_time: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
    session: str = ""
    properties: tuple[Property, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: dict[str, Any] = {}
    sub: str = ""
    access_token_claims: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The username for people to read; the subject where no other is known."""
        return self.username or self.subject
