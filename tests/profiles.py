"""Clients that keep a security profile, and their requests."""

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse

from service.admin.client_input import ClientInput
from service.admin.clients import create_client
from service.protocol.names import Profile
from service.records.client import Client
from tests.assertions import ISSUER, JWKS, KEYS, Signer
from tests.certificates import PROXIED
from tests.dpop import Prover
from tests.person import Person, Shown, usual_request
from tests.pushing import come
from tests.world import CALLBACK, FORM, VERIFIER, World

SOUND: dict[str, Any] = {
    "client_id": "app",
    "auth_method": "private_key_jwt",
    "jwks": JWKS,
    "grant_types": ("authorization_code", "refresh_token"),
    "redirect_uris": (CALLBACK,),
    "scopes": ("openid", "read"),
    "skip_consent": True,
}
"""The members of a client that keeps any profile, once ``profile`` is added; the others have their defaults."""
SURROUNDINGS: dict[Profile, dict[str, Any]] = {profile: {} for profile in Profile} | {Profile.FAPI1_ADVANCED: PROXIED}
"""Settings that a client needs to keep each profile."""


def sound(profile: Profile | None, **changes: Any) -> ClientInput:
    """Return a client that keeps the profile, with these members changed."""
    return ClientInput.read(SOUND | {"profile": profile} | changes)


@dataclass
class Bank:
    """A client that keeps a profile, and its user."""

    world: World
    profile: Profile | None
    signer: Signer = field(default_factory=Signer)
    prover: Prover = field(default_factory=Prover)
    client: Client = field(init=False)
    person: Person = field(init=False)

    async def open(self, **changes: Any) -> "Bank":
        """Register client and user."""
        self.client = (await create_client(self.world.issuer, sound(self.profile, **changes))).client
        await self.world.user()
        self.person = Person(self.world)
        return self

    def request(self, **changes: str) -> dict[str, str]:
        """Return the parameters of an authorization request; "" leaves one out."""
        wished = {"response_mode": "jwt"} if self.signs else {}
        return usual_request(**(wished | changes))

    @property
    def signs(self) -> bool:
        """Whether its requests and responses are signed."""
        return self.profile in (Profile.FAPI2_MESSAGE_SIGNING, Profile.FAPI1_ADVANCED)

    def signed(self, algorithm: str = "ES256", parameters: dict[str, str] | None = None, **changes: Any) -> str:
        """Return a request object; None leaves a claim out."""
        now = int(time.time())
        claims = {**(self.request() if parameters is None else parameters), "nbf": now, "exp": now + 300, **changes}
        key = KEYS[next(one for one in KEYS if one.value == algorithm)]
        return Signer(key, algorithm).sign(**{"sub": None, "jti": None, "iat": None, **claims})

    async def post(self, path: str, form: dict[str, str], assertion: str = "", **headers: str) -> ClientResponse:
        """POST a form with an assertion of the client."""
        proved = self.signer.form() if not assertion else {**self.signer.form(), "client_assertion": assertion}
        return await self.world.http.post(path, data=form | proved, headers={"Content-Type": FORM, **headers})

    async def push(self, assertion: str = "", dpop: str = "", **changes: str) -> ClientResponse:
        """Push a request with these parameters changed."""
        parameters = self.request(**changes)
        form = {"client_id": "app", "request": self.signed(parameters=parameters)} if self.signs else parameters
        return await self.post("/par", form, assertion, **({"DPoP": dpop} if dpop else {}))

    async def sign_in(self, dpop: str = "", **changes: str) -> Shown:
        """Sign in, and return the redirect to the client."""
        pushed = await self.push(dpop=dpop, **changes)
        assert pushed.status == 201, await pushed.text()
        shown = await come(self.person, (await pushed.json())["request_uri"])
        return shown if shown.location else await self.person.log_in(shown)

    async def redeem(self, code: str, proof: str = "") -> ClientResponse:
        """Make a token request with a proof of the client's key."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.post("/token", form, DPoP=proof or self.prover.proof(url=ISSUER + "/token"))
