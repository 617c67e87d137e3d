"""An operator at the console of a service with something in it."""

from dataclasses import dataclass

from playwright.async_api import Page, expect

from service.admin import clients, resources, trusts, users
from service.admin.actor import Actor, acting
from service.admin.client_input import ClientInput
from service.admin.resources import ResourceInput
from service.admin.trusts import TrustInput
from service.admin.users import UserInput
from service.issuer import Issuer
from service.records.audit_entry import Way
from service.records.refused_request import RefusedRequest
from tests.world import World

HOSTILE = '<img src=x onerror="document.title=1">"\'&{{7*7}}'


@dataclass
class Desk:
    """``url``: of the console; ``page``: signed in there; ``world``: the service behind it."""

    url: str
    page: Page
    world: World

    async def open(self, path: str, heading: str = "") -> None:
        """Go to a page."""
        await self.page.goto(self.url + path)
        if heading:
            await expect(self.page.locator("h1")).to_have_text(heading)


async def furnish(world: World) -> None:
    """Clients, people, grants, a key that waits, somebody trusted, and a log of all that."""
    issuer = world.issuer
    with acting(Actor("ci", Way.CLI, "build-7.example")):
        for client_id, name, more in (
            (
                "web-shop",
                "Web shop",
                {
                    "redirect_uris": ("https://shop.example/callback",),
                    "backchannel_logout_uri": "https://shop.example/logout",
                    "post_logout_redirect_uris": ("https://shop.example/bye",),
                    "grant_types": ("authorization_code", "refresh_token"),
                    "scopes": ("openid", "profile", "email", "read"),
                },
            ),
            (
                "phone",
                "Phone app",
                {
                    "redirect_uris": ("com.example.phone:/callback",),
                    "auth_method": "none",
                    "application_type": "native",
                    "grant_types": ("authorization_code", "refresh_token"),
                    "scopes": ("openid", "read", "write"),
                },
            ),
            (
                "nightly-report",
                "Nightly report",
                {"grant_types": ("client_credentials",), "scopes": ("read",), "audiences": ("https://api.example",)},
            ),
            ("orders-api", "Orders API", {"introspect": True, "resources": ("https://api.example",)}),
        ):
            await clients.create_client(issuer, ClientInput.read({"client_id": client_id, "name": name, **more}))
        for username, name in (("alice", "Alice Liddell"), ("bob", "Bob Builder"), ("carol", "Carol Danvers")):
            given = {
                "username": username,
                "claims": {"name": name, "email": f"{username}@example.com", "email_verified": True},
            }
            await users.create_user(issuer, UserInput.read(given), "wonderland-9")
        await users.disable_user(issuer, "carol")
        await trusts.add_trust(
            issuer,
            TrustInput.read(
                {
                    "issuer": "https://ci.example",
                    "jwks_uri": "https://ci.example/jwks",
                    "clients": ("nightly-report",),
                    "scopes": ("read",),
                }
            ),
        )
        mcp: dict[str, object] = {
            "resource": "https://mcp.example.com/mcp",
            "name": "Tools for agents",
            "scopes": ["mcp:tools", "mcp:admin"],
        }
        mcp |= {"access_token_format": "jwt", "access_token_lifetime": 600, "self_registered": True}
        await resources.create_resource(issuer, ResourceInput.read(mcp))
        await resources.create_resource(issuer, ResourceInput.read({"resource": "https://api.example"}))
        await clients.rotate_secret(issuer, "web-shop", keep_old=True)
    await refuse(issuer)
    shop = await clients.get_client(issuer, "web-shop")
    phone = await clients.get_client(issuer, "phone")
    for number in range(7):
        await world.code(
            shop if number < 5 else phone,
            subject="alice" if number % 2 else "bob",
            scope="openid read",
            redirect_uri="https://shop.example/callback" if number < 5 else "com.example.phone:/callback",
        )


async def refuse(issuer: Issuer) -> None:
    """As processes of the service write them."""
    now = int(issuer.clock() * 1000)
    refused = (
        ("web-shop", "token", "invalid_grant", "code_replayed", "code was already redeemed; its grant is ended"),
        ("web-shop", "token", "invalid_client", "wrong_client_secret", "wrong client secret"),
        ("phone", "authorize", "invalid_request", "redirect_uri_not_registered", "redirect_uri is not registered."),
        ("", "token", "invalid_client", "client_unknown", "unknown client"),
        ("phone", "token", "unsupported_grant_type", "grant_type_unsupported", HOSTILE),
    )
    await issuer.store.refused_requests.append(
        [
            RefusedRequest(now - 60_000 * number, *facts[1:], facts[0], "2001:db8::17", f"4f1c29a0b7d8e6{number:02}")
            for number, facts in enumerate(refused)
        ]
    )
