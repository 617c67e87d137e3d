"""Objects as they come and change, a real service, and the cluster's Secrets: what is made, put right, left alone, ended."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from service.admin.operations import AnyOperation, Do, clients, resources
from service.declared import API_VERSION
from service.operator.reconciling import ABANDON, Reconciler, UnfulfilledError
from service.operator.record_digests import RecordDigests
from service.operator.secrets import ROTATE
from service.operator.status import ready_of
from tests.declared.test_changes import doing
from tests.operator.memory_api_server import MemoryApiServer
from tests.world import World

SPEC: dict[str, Any] = {"grant_types": ["client_credentials"], "scopes": ["read"], "secret": {"name": "web-oauth"}}


class Kept:
    """An object as the API server keeps it, and the operator that looks at it."""

    def __init__(self, world: World, kind: str = "OAuth2Client", name: str = "web", /, **spec: Any) -> None:
        self.later = 0.0
        self.clock = lambda: world.issuer.clock() + self.later
        self.world = replace(world, issuer=replace(world.issuer, clock=self.clock))
        self.cluster = MemoryApiServer()
        self.asked: list[str] = []
        self.body: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": "shop",
                "uid": f"uid-of-{name}",
                "generation": 1,
                "annotations": {},
            },
            "spec": spec or dict(SPEC),
        }
        self.status: dict[str, Any] = {}
        self.reconciler = self.another()

    def another(self, **options: Any) -> Reconciler:
        """An operator of its own beside the first."""
        do = doing(self.world)

        async def counted(operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
            self.asked.append(operation.name)
            return await do(operation, given)

        listing = RecordDigests(counted, self.clock, 0)
        return Reconciler(counted, listing, self.cluster, self.clock, issuer="https://id.example", **options)

    async def look(self) -> list[str]:
        """The reasons of what was done."""
        if await self.reconciler.is_settled(self.body, self.status):
            return []
        self.status, done = await self.reconciler.apply(self.body, self.status)
        return [news.reason for news in done]

    def change(self, **spec: Any) -> None:
        self.body["spec"] |= spec
        self.body["metadata"]["generation"] += 1

    @property
    def secret(self) -> dict[str, str]:
        """What applications find."""
        data = self.cluster.secrets["shop", self.body["spec"]["secret"]["name"]]["data"]
        return {name: b64decode(one).decode() for name, one in data.items()}

    async def is_taken(self, secret: str) -> bool:
        """Whether the service takes it for the client's."""
        client = await self.world.issuer.store.clients.read(self.body["metadata"]["name"])
        assert client is not None
        return any([await self.world.issuer.hashing.verify_secret(secret, one.hash) for one in client.secrets])


def _kept(world: World, *named: str, **spec: Any) -> tuple[Kept, Do]:
    kept = Kept(world, *named, **spec)
    return kept, doing(kept.world)


async def test_a_client_is_made_with_its_secret_and_then_left_alone(world: World) -> None:
    kept = Kept(world)
    assert await kept.look() == ["SecretWritten", "Created"]
    assert kept.secret == {
        "client_id": "web",
        "client_secret": kept.secret["client_secret"],
        "issuer": "https://id.example",
    }
    assert await kept.is_taken(kept.secret["client_secret"])
    assert ready_of(kept.status)["status"] == "True"
    assert kept.status["key"] == "web"
    owner = kept.cluster.secrets["shop", "web-oauth"]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("OAuth2Client", "uid-of-web", True)
    kept.asked.clear()
    assert await kept.look() == []
    assert kept.asked == ["client.list"]


async def test_a_changed_object_changes_what_it_says_and_nothing_else(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    secret = kept.secret
    kept.change(redirect_uris=["https://shop.example/cb"], grant_types=["authorization_code"])
    assert await kept.look() == ["Updated"]
    shown = await doing(world)(clients.SHOW, {"client_id": "web"})
    assert shown["redirect_uris"] == ["https://shop.example/cb"]
    assert kept.secret == secret
    assert await kept.is_taken(secret["client_secret"])


async def test_what_others_change_is_put_right(world: World) -> None:
    """Changed, given another secret, or lost altogether, as with an empty Redis: applications notice nothing."""
    kept, do = _kept(world)
    await kept.look()
    secret = kept.secret["client_secret"]
    await do(clients.UPDATE, {"client_id": "web", "scopes": ["everything"]})
    assert await kept.look() == ["DriftPutRight"]
    assert (await do(clients.SHOW, {"client_id": "web"}))["scopes"] == ["read"]
    kept.later += 5
    await do(clients.ROTATE_SECRET, {"client_id": "web", "keep_old": True})
    assert await kept.look() == ["SecretChanged"]
    assert await kept.is_taken(secret)
    await do(clients.DELETE, {"client_id": "web"})
    assert await kept.look() == ["DriftPutRight"]
    assert await kept.is_taken(secret)
    assert kept.secret["client_secret"] == secret


async def test_a_lost_secret_comes_again_and_the_old_one_counts_a_while(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    before = kept.secret["client_secret"]
    kept.cluster.secrets.clear()
    kept.later += 5
    assert await kept.look() == ["SecretWritten", "SecretChanged"]
    assert kept.secret["client_secret"] != before
    assert await kept.is_taken(before)
    assert await kept.is_taken(kept.secret["client_secret"])


async def test_an_annotation_rotates_once_and_the_old_secret_ends_after_its_grace(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    before = kept.secret["client_secret"]
    kept.later += 5
    kept.body["metadata"]["annotations"][ROTATE] = "2026-11"
    assert await kept.look() == ["SecretWritten", "SecretChanged"]
    after = kept.secret["client_secret"]
    assert after != before
    assert await kept.look() == []
    assert await kept.is_taken(before)
    kept.later += kept.reconciler.secret_grace + 1
    assert await kept.look() == ["OldSecretEnded"]
    assert not await kept.is_taken(before)
    assert await kept.is_taken(after)
    assert await kept.look() == []


async def test_a_secret_of_others_is_read_and_never_written(world: World) -> None:
    kept = Kept(world)
    given = {
        "metadata": {"name": "web-oauth"},
        "data": {"client_secret": b64encode(b"of-the-vault-0123456789").decode()},
    }
    await kept.cluster.create_secret("shop", given)
    seen = dict(kept.cluster.secrets)
    assert await kept.look() == ["Created"]
    assert kept.cluster.secrets == seen
    assert await kept.is_taken("of-the-vault-0123456789")
    kept.later += 5
    found = await kept.cluster.secret("shop", "web-oauth")
    assert found is not None
    found["data"]["client_secret"] = b64encode(b"the-next-of-the-vault-01").decode()
    await kept.cluster.replace_secret("shop", found)
    assert await kept.look() == ["SecretChanged"]
    assert await kept.is_taken("the-next-of-the-vault-01")


async def test_a_secret_moves_with_its_name(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    before = kept.secret["client_secret"]
    kept.change(secret={"name": "elsewhere"})
    assert await kept.look() == ["SecretWritten", "SecretChanged", "SecretDeleted"]
    assert set(kept.cluster.secrets) == {("shop", "elsewhere")}
    assert kept.secret["client_secret"] == before
    kept.change(auth_method="none", grant_types=["authorization_code"], redirect_uris=["app:/cb"])
    del kept.body["spec"]["secret"]
    assert await kept.look() == ["Updated", "SecretDeleted"]
    assert kept.cluster.secrets == {}
    assert await kept.look() == []


async def test_a_client_without_a_secret_needs_no_secret(world: World) -> None:
    kept = Kept(
        world, grant_types=["authorization_code"], redirect_uris=["https://shop.example/cb"], auth_method="none"
    )
    assert await kept.look() == ["Created"]
    assert kept.cluster.secrets == {}
    kept.change(auth_method="client_secret", secret={"name": "now"})
    assert await kept.look() == ["SecretWritten", "Updated"]
    assert await kept.is_taken(kept.secret["client_secret"])


@pytest.mark.parametrize(
    ("spec", "reason", "told"),
    [
        ({"grant_types": ["client_credentials"]}, "SecretUnnamed", "spec.secret.name"),
        (SPEC | {"grant_types": ["telepathy"]}, "Invalid", "spec.grant_types"),
        (SPEC | {"refresh_grace": 301}, "Invalid", "spec.refresh_grace"),
        (SPEC | {"auth_method": "private_key_jwt"}, "Invalid", "jwks"),
        (SPEC | {"alias": "taken"}, "Refused", "alias"),
    ],
)
async def test_what_cannot_be_says_why(world: World, spec: dict[str, Any], reason: str, told: str) -> None:
    await doing(world)(clients.CREATE, {"client_id": "taken", "grant_types": ["client_credentials"]})
    kept = Kept(world, **spec)
    with pytest.raises(UnfulfilledError, match=told) as refused:
        await kept.look()
    assert refused.value.reason == reason
    with pytest.raises(UnfulfilledError):
        await kept.look()


async def test_nothing_is_taken_over_that_it_did_not_make(world: World) -> None:
    """Not even to be ended; until an operator gives it to the object."""
    kept, do = _kept(world)
    await do(clients.CREATE, {"client_id": "web", "grant_types": ["client_credentials"]})
    with pytest.raises(UnfulfilledError, match="made by hand") as refused:
        await kept.look()
    assert refused.value.reason == "DeclaredElsewhere"
    assert await kept.reconciler.end(kept.body) == ""
    assert (await do(clients.SHOW, {"client_id": "web"}))["managed_by"] == ""
    assert kept.cluster.secrets == {}
    await do(clients.UPDATE, {"client_id": "web", "managed_by": kept.reconciler.mark(kept.body)})
    assert "SecretWritten" in await kept.look()
    assert await kept.is_taken(kept.secret["client_secret"])


async def test_its_end_ends_what_it_made_however_it_looks_by_then(world: World) -> None:
    kept, do = _kept(world)
    await kept.look()
    kept.body["status"] = kept.status
    kept.body["spec"] = {"grant_types": "faulty"}
    assert await kept.reconciler.end(kept.body) == "web"
    assert await kept.reconciler.end(kept.body) == ""
    assert (await do(clients.LIST, {}))["clients"] == []


async def test_it_can_be_let_go_and_what_it_made_stays(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    kept.body["metadata"]["annotations"][ABANDON] = "true"
    assert await kept.reconciler.end(kept.body) == ""
    assert await kept.is_taken(kept.secret["client_secret"])


async def test_an_alias_of_another_is_not_ended(world: World) -> None:
    kept, do = _kept(world)
    mark = kept.reconciler.mark(kept.body)
    await do(
        clients.CREATE, {"client_id": "x", "alias": "web", "grant_types": ["client_credentials"], "managed_by": mark}
    )
    assert await kept.reconciler.end(kept.body) == ""
    assert (await do(clients.SHOW, {"client_id": "x"}))["client_id"] == "x"


@pytest.mark.parametrize(
    ("kind", "spec", "show"),
    [("OAuth2Resource", {"resource": "https://api.example/x", "scopes": ["read"]}, resources.SHOW)],
)
async def test_resources_live_likewise(world: World, kind: str, spec: dict[str, Any], show: AnyOperation) -> None:
    kept, do = _kept(world, kind, "api", **spec)
    assert await kept.look() == ["Created"]
    await do(resources.UPDATE, {"resource": spec["resource"], "scopes": ["write"]})
    assert await kept.look() == ["DriftPutRight"]
    assert (await do(show, {"resource": spec["resource"]}))["scopes"] == ["read"]
    assert await kept.look() == []
    kept.body["status"] = kept.status
    assert await kept.reconciler.end(kept.body) == spec["resource"]


async def test_of_two_operators_one_makes_it(world: World) -> None:
    """The life of an object raced, many times: one client, and the service takes the secret that is in the Secret."""
    for number in range(60):
        kept = Kept(world, "OAuth2Client", f"web-{number}", **SPEC)
        looks = [_until_good(kept, kept.another()) for _ in range(3)]
        await asyncio.gather(*looks)
        secret = kept.secret["client_secret"]
        assert await kept.is_taken(secret)
        kept.later += 2
        kept.body["metadata"]["annotations"][ROTATE] = "now"
        await asyncio.gather(*[_until_good(kept, kept.another()) for _ in range(3)])
        assert kept.secret["client_secret"] != secret
        assert await kept.is_taken(kept.secret["client_secret"])
        assert await kept.is_taken(secret), "the one before it counts a while"
        kept.body["status"] = kept.status
        ended = await asyncio.gather(*[kept.another().end(kept.body) for _ in range(3)])
        assert f"web-{number}" in ended
    assert (await doing(world)(clients.LIST, {}))["clients"] == []


async def _until_good(kept: Kept, operator: Reconciler) -> None:
    for _ in range(20):
        try:
            kept.status, _done = await operator.apply(kept.body, {})
        except UnfulfilledError as error:
            if error.reason not in ("Changing", "Refused"):
                raise
            await asyncio.sleep(0)
        else:
            return
    raise AssertionError("not within 20 looks")
