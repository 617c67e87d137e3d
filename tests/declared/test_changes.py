"""What manifests say, compared with what the service has, and carried out."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
import pytest

from service.admin.actor import Actor
from service.admin.errors import AlreadyExists, InvalidInput, Outdated
from service.admin.operations import AnyOperation, Do, clients, perform, resources, trusts
from service.declared import (
    API_VERSION,
    KINDS,
    DeclaredAct,
    Manifest,
    compare,
    manifest_of,
    manifests_of,
    no_longer_declared,
    parse_manifest,
    perform_change,
)
from service.declared.applying import compare_all, perform_all
from service.records.audit_entry import Way
from tests.world import World

MCP = "https://mcp.example.com/mcp"
CI = "https://ci.example.com"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def doing(world: World) -> Do:
    async def do(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
        done = await perform(world.issuer, operation, given, Actor("ci", Way.CLI, ""))
        output: dict[str, Any] = orjson.loads(orjson.dumps(done.body))
        return output

    return do


def manifest(kind: str, named: str, /, **spec: Any) -> Manifest:
    return parse_manifest({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": named}, "spec": spec})


def web(**spec: Any) -> Manifest:
    return manifest("OAuth2Client", "web", **({"grant_types": ["client_credentials"], "scopes": ["read"]} | spec))


EACH = [
    web(name="The shop"),
    manifest("OAuth2Resource", "mcp", resource=MCP, scopes=["tools"]),
    manifest("TrustedIssuer", "ci", issuer=CI, uses=["token-exchange"], scopes=["deploy"]),
]


@pytest.mark.parametrize("wanted", EACH, ids=lambda wanted: wanted.kind.name)
async def test_life_of_each_kind(world: World, wanted: Manifest) -> None:
    """IA-01: made, found as it is, put back where somebody changed it, ended; each once."""
    do, kind = doing(world), wanted.kind
    made = await compare(do, wanted, "apply")
    assert made.act is DeclaredAct.CREATE
    assert made.differences["scopes"].declared == wanted.members["scopes"]
    assert "managed_by" in made.differences
    assert kind.key not in made.differences
    secret = (await perform_change(do, made)).secret
    assert bool(secret) is kind.has_secret
    assert (await compare(do, wanted, "apply")).act is DeclaredAct.NOTHING

    shown = await do(kind.show, {kind.key: wanted.key})
    change = {**wanted.members, "scopes": ["other"], "managed_by": "apply"} if kind.is_put else {"scopes": ["other"]}
    await do(kind.update, {**change, kind.key: wanted.key})
    drift = await compare(do, wanted, "apply")
    assert (drift.act, list(drift.differences)) == (DeclaredAct.UPDATE, ["scopes"])
    assert drift.differences["scopes"].now == ["other"]
    done = await perform_change(do, drift)
    assert done.secret is None
    assert done.shown is not None
    assert done.shown["scopes"] == shown["scopes"]

    assert await no_longer_declared(do, "apply", [wanted]) == []
    (end,) = await no_longer_declared(do, "apply", [])
    assert (end.act, end.key) == (DeclaredAct.END, wanted.key)
    await perform_change(do, end)
    await perform_change(do, end)
    assert await no_longer_declared(do, "apply", []) == []
    assert (await compare(do, wanted, "apply")).act is DeclaredAct.CREATE


@pytest.mark.parametrize("wanted", EACH, ids=lambda wanted: wanted.kind.name)
async def test_what_others_made_is_not_touched(world: World, wanted: Manifest) -> None:
    do, kind = doing(world), wanted.kind
    await do(kind.create, dict(wanted.members))
    foreign = await compare(do, wanted, "apply")
    assert (foreign.act, foreign.managed_by) == (DeclaredAct.FOREIGN, "")
    await perform_change(do, foreign)
    assert (await do(kind.show, {kind.key: wanted.key}))["managed_by"] == ""
    assert await no_longer_declared(do, "apply", []) == []

    adopted = await compare(do, wanted, "apply", adopts=True)
    assert (adopted.act, list(adopted.differences)) == (DeclaredAct.UPDATE, ["managed_by"])
    await perform_change(do, adopted)
    theirs = await compare(do, wanted, "operator", adopts=True)
    assert (theirs.act, theirs.managed_by) == (DeclaredAct.FOREIGN, "apply")
    assert await no_longer_declared(do, "operator", []) == []


async def test_what_a_profile_adds_is_no_difference(world: World) -> None:
    """The server makes a member what the profile demands where the manifest says nothing."""
    do = doing(world)
    wanted = web(
        profile="fapi2_security",
        auth_method="private_key_jwt",
        grant_types=["authorization_code"],
        redirect_uris=["https://app.example.com/cb"],
        jwks_uri="https://app.example.com/jwks",
    )
    made = await compare(do, wanted, "apply")
    added = set(made.differences) - {name for name, value in wanted.members.items() if value}
    assert "require_pushed_authorization_requests" in added
    await perform_change(do, made)
    assert (await compare(do, wanted, "apply")).act is DeclaredAct.NOTHING


async def test_a_refusal_comes_before_anything_is_done(world: World) -> None:
    do = doing(world)
    await do(clients.CREATE, {**web().members, "client_id": "other", "alias": "shop"})
    with pytest.raises(AlreadyExists, match="alias"):
        await compare(do, web(alias="shop"), "apply")
    with pytest.raises(InvalidInput, match="encryption"):
        await compare(do, web(request_object_encryption_alg="RSA-OAEP-256"), "apply")
    shop = manifest("OAuth2Client", "shop", grant_types=["client_credentials"])
    assert (await compare(do, shop, "apply", adopts=True)).act is DeclaredAct.FOREIGN  # an alias is not the client


async def test_a_client_that_needs_a_secret_now_gets_one(world: World) -> None:
    do = doing(world)
    await perform_change(do, await compare(do, web(auth_method="none", grant_types=[DEVICE]), "apply"))
    change = await compare(do, web(), "apply")
    assert (await perform_change(do, change)).secret
    await do(clients.UPDATE, {"client_id": "web", "auth_method": "none", "grant_types": [DEVICE]})
    await do(
        clients.UPDATE, {"client_id": "web", "auth_method": "client_secret", "grant_types": ["client_credentials"]}
    )
    lacking = await compare(do, web(), "apply")
    assert (lacking.act, lacking.needs_secret, dict(lacking.differences)) == (DeclaredAct.UPDATE, True, {})
    assert (await perform_change(do, lacking)).secret
    assert (await compare(do, web(), "apply")).act is DeclaredAct.NOTHING


async def test_two_that_make_the_same_make_it_once(world: World) -> None:
    """The other is told that it is there, and finds nothing to do afterwards."""
    do = doing(world)
    for number in range(50):
        wanted = manifest("OAuth2Client", f"web{number}", grant_types=["client_credentials"])
        changes = [await compare(do, wanted, "apply") for _ in range(2)]
        ends = await asyncio.gather(*(perform_change(do, one) for one in changes), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["AlreadyExists", "Performed"]
        assert (await compare(do, wanted, "apply")).act is DeclaredAct.NOTHING


async def test_what_another_took_over_meanwhile_is_left_alone(world: World) -> None:
    """Between the comparison and the act, as long as somebody thinks over the question."""
    do = doing(world)
    for wanted in EACH:
        await perform_change(do, await compare(do, wanted, "apply"))
    ending = await no_longer_declared(do, "apply", [])
    for kind, key in ((clients, "web"), (resources, MCP)):
        name = "client_id" if kind is clients else "resource"
        await do(kind.UPDATE, {name: key, "managed_by": "cluster"})
    await do(trusts.PUT, {"issuer": CI, "managed_by": "cluster"})
    for change in ending:
        with pytest.raises(Outdated, match="cluster"):
            await perform_change(do, change)
        assert await do(change.kind.show, {change.kind.key: change.key})


@pytest.mark.parametrize("wanted", EACH, ids=lambda wanted: wanted.kind.name)
async def test_what_changes_before_it_ends_stays(world: World, wanted: Manifest) -> None:
    """Also what files of the same owner, in a later commit, declare again."""
    do, kind = doing(world), wanted.kind
    for number in range(30):
        await perform_change(do, await compare(do, wanted, "apply"))
        (ending,) = await no_longer_declared(do, "apply", [])
        again = manifest(kind.name, wanted.name, **{**wanted.members, "scopes": [f"again{number}"]})
        change = await compare(do, again, "apply")
        ended, _ = await asyncio.gather(*map(partial(perform_change, do), (ending, change)), return_exceptions=True)
        if isinstance(ended, Outdated):
            assert "was changed by another caller meanwhile" in str(ended)
            shown = await do(kind.show, {kind.key: wanted.key})
            assert shown["scopes"] == [f"again{number}"]
        elif not kind.is_put:  # it was gone before it could be changed
            assert await no_longer_declared(do, "apply", []) == []
        for one in await no_longer_declared(do, "apply", []):
            await perform_change(do, one)
    await perform_change(do, await compare(do, wanted, "apply"))
    (ending,) = await no_longer_declared(do, "apply", [])
    await perform_change(
        do, await compare(do, manifest(kind.name, wanted.name, **{**wanted.members, "scopes": ["x"]}), "apply")
    )
    with pytest.raises(Outdated, match="apply again to end it"):
        await perform_change(do, ending)


async def test_an_issuer_that_somebody_trusts_meanwhile_is_not_replaced(world: World) -> None:
    do, (*_, wanted) = doing(world), EACH
    change = await compare(do, wanted, "apply")
    await do(trusts.PUT, {"issuer": CI, "scopes": ["by-hand"]})
    with pytest.raises(AlreadyExists):
        await perform_change(do, change)
    assert (await do(trusts.SHOW, {"issuer": CI}))["scopes"] == ["by-hand"]


async def test_who_hears_nothing_is_told(world: World) -> None:
    """The client is made with the secret that was made before, and the answer is lost."""
    do = doing(world)

    async def losing(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
        await do(operation, given)
        raise TimeoutError

    objects = await compare_all(do, EACH[:1], "apply")
    assert objects[0].gets_secret
    objects[0].secret = "mm_cs_" + "0123456789abcdef" * 3
    with pytest.raises(TimeoutError):
        await perform_all(losing, objects, lambda _: None)
    assert ("apply again" in objects[0].error, objects[0].is_done, bool(objects[0].secret)) == (True, False, True)
    assert (await do(clients.SHOW, {"client_id": "web"}))["secrets"]


async def test_what_there_is_becomes_a_manifest_that_says_the_same(world: World) -> None:
    do = doing(world)
    await do(
        clients.CREATE,
        {
            "client_id": "https://shop.example.com/Web App".replace(" ", "_"),
            "grant_types": ["authorization_code"],
            "redirect_uris": ["https://shop.example.com/cb"],
            "properties": [{"name": "tier", "value": {"gold": 1}, "in_introspection": True}],
            "access_token_lifetime": 600,
        },
    )
    await do(resources.CREATE, {"resource": MCP, "scopes": ["tools"]})
    await do(trusts.PUT, {"issuer": CI, "clients": ["web"]})
    for kind in KINDS.values():
        page = await do(kind.list, {})
        (one,) = next(value for value in page.values() if isinstance(value, list))
        written = manifest_of(kind, await do(kind.show, {kind.key: one[kind.key]}))
        assert "created_at" not in written["spec"]
        change = await compare(do, parse_manifest(written), "apply", adopts=True)
        assert list(change.differences) == ["managed_by"]


def test_names_of_one_export_differ() -> None:
    """Those that are near to the same name, also where that is as long as a name may be."""
    kind = KINDS["OAuth2Resource"]
    keys = ["https://a.example/x", "https://a.example/X", "https://a.example/x/", "https://a.example/x-2"]
    keys += ["http://" + "a" * 248, "http://" + "A" * 248]
    shown = [kind.create.input.read({"resource": key}).model_dump(mode="json") for key in keys]
    written = manifests_of(kind, shown)
    names = [one["metadata"]["name"] for one in written]
    assert names == [
        "a.example-x",
        "a.example-x-2",
        "a.example-x-3",
        "a.example-x-2-2",
        "http-" + "a" * 248,
        "http-" + "a" * 246 + "-2",
    ]
    assert [parse_manifest(one).key for one in written] == keys
