"""What stands in Secrets: what is kept, what is made anew, and what is refused before the service ends anything."""

from base64 import b64encode

import pytest

from service.admin.operations import clients
from service.app import open_issuer
from service.operator.reconciling import UnfulfilledError
from service.operator.secrets import ROTATE
from tests.declared.test_changes import doing
from tests.operator.test_reconciling import SPEC, Kept
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for


async def _written(kept: Kept, name: str = "web-oauth", /, **data: str) -> None:
    """Somebody else writes into a Secret."""
    found = await kept.cluster.secret("shop", name)
    members = {key.replace("__", "-"): b64encode(one.encode()).decode() for key, one in data.items()}
    if found is None:
        await kept.cluster.create_secret("shop", {"metadata": {"name": name}, "data": members})
    else:
        found["data"] |= members
        await kept.cluster.replace_secret("shop", found)


async def _refused(kept: Kept, reason: str, told: str) -> None:
    with pytest.raises(UnfulfilledError, match=told) as refused:
        await kept.look()
    assert refused.value.reason == reason


async def test_another_method_keeps_the_secret_or_makes_one_that_is_long_enough(redis: Shape) -> None:
    async with open_issuer(settings_for(redis.url, master_key="m" * 43)) as issuer, in_process(issuer) as http:
        kept = Kept(World(issuer, http, redis))
        await kept.look()
        secret = kept.secret["client_secret"]
        kept.later += 5
        kept.change(auth_method="client_secret_jwt")
        assert await kept.look() == ["Updated"]
        assert kept.secret["client_secret"] == secret
        assert await kept.is_taken(secret)
        kept.later += 5
        kept.change(token_endpoint_auth_signing_alg="HS512")
        assert await kept.look() == ["SecretWritten", "Updated", "SecretChanged"]
        assert len(kept.secret["client_secret"]) >= 64
        assert await kept.is_taken(kept.secret["client_secret"])
        assert await kept.look() == []


async def test_a_given_secret_that_is_too_short_changes_nothing_at_the_service(redis: Shape) -> None:
    async with open_issuer(settings_for(redis.url, master_key="m" * 43)) as issuer, in_process(issuer) as http:
        kept = Kept(World(issuer, http, redis))
        await _written(kept, client_secret="of-the-vault-0123456789")
        await kept.look()
        kept.change(auth_method="client_secret_jwt")
        await _refused(kept, "SecretUnfit", "has 23 characters, and needs 32 or more")
        assert await kept.is_taken("of-the-vault-0123456789")
        assert (await doing(kept.world)(clients.SHOW, {"client_id": "web"}))["auth_method"] == "client_secret"
        await _written(kept, client_secret="of-the-vault-0123456789-and-longer")
        assert await kept.look() == ["Updated"]
        assert await kept.is_taken("of-the-vault-0123456789-and-longer")


async def test_without_a_master_key_the_secret_stays(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    kept.change(auth_method="client_secret_jwt")
    await _refused(kept, "Refused", "master_key")
    assert await kept.is_taken(kept.secret["client_secret"])


@pytest.mark.parametrize(
    ("given", "told"), [("of-the-vault-0123456789\n", "newline"), ("short", "8 or more"), ("gehéim-0123456", "ASCII")]
)
async def test_what_no_client_can_have_is_said(world: World, given: str, told: str) -> None:
    kept = Kept(world)
    await _written(kept, client_secret=given)
    await _refused(kept, "SecretUnfit", told)
    assert (await doing(world)(clients.LIST, {}))["clients"] == []


async def test_only_another_value_of_the_annotation_makes_another_secret(world: World) -> None:
    """Taking it from the object, or from the Secret, does not."""
    kept = Kept(world)
    kept.body["metadata"]["annotations"][ROTATE] = "1"
    await kept.look()
    secret = kept.secret["client_secret"]
    found = await kept.cluster.secret("shop", "web-oauth")
    assert found is not None
    del found["metadata"]["annotations"]
    await kept.cluster.replace_secret("shop", found)
    kept.later += 5
    await kept.look()
    del kept.body["metadata"]["annotations"][ROTATE]
    await kept.look()
    assert kept.secret["client_secret"] == secret
    kept.body["metadata"]["annotations"][ROTATE] = "2"
    assert await kept.look() == ["SecretWritten", "SecretChanged"]
    assert kept.secret["client_secret"] != secret


async def test_two_objects_do_not_share_a_secret(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    other = Kept(world, "OAuth2Client", "other", **SPEC)
    other.cluster = kept.cluster
    other.reconciler = other.another()
    await _refused(other, "SecretNotOurs", "belongs to OAuth2Client web")
    assert kept.secret["client_id"] == "web"


async def test_another_key_holds_the_same_secret_and_what_others_added_stays(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    secret = kept.secret["client_secret"]
    found = await kept.cluster.secret("shop", "web-oauth")
    assert found is not None
    found["metadata"]["finalizers"] = ["example.com/backup"]
    await kept.cluster.replace_secret("shop", found)
    await _written(kept, MY_OWN="mine")
    kept.change(secret={"name": "web-oauth", "client_secret_key": "OAUTH_SECRET"})
    assert "SecretWritten" in await kept.look()
    assert kept.secret == {
        "client_id": "web",
        "OAUTH_SECRET": secret,
        "issuer": "https://id.example",
        "MY_OWN": "mine",
    }
    assert kept.cluster.secrets["shop", "web-oauth"]["metadata"]["finalizers"] == ["example.com/backup"]
    assert await kept.is_taken(secret)
    assert await kept.look() == []


async def test_a_secret_that_was_ended_at_the_service_does_not_come_back(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    leaked = kept.secret["client_secret"]
    kept.later += 5
    await doing(kept.world)(clients.ROTATE_SECRET, {"client_id": "web"})
    assert await kept.look() == ["SecretWritten", "SecretChanged"]
    assert kept.secret["client_secret"] != leaked
    assert await kept.is_taken(kept.secret["client_secret"])
    assert not await kept.is_taken(leaked)
    assert await kept.look() == []


async def test_nor_does_one_that_others_wrote(world: World) -> None:
    kept = Kept(world)
    await _written(kept, client_secret="of-the-vault-0123456789")
    await kept.look()
    kept.later += 5
    await doing(kept.world)(clients.ROTATE_SECRET, {"client_id": "web"})
    await _refused(kept, "SecretEnded", "write another one")
    assert not await kept.is_taken("of-the-vault-0123456789")
    await _written(kept, client_secret="the-next-of-the-vault-01")
    assert "SecretChanged" in await kept.look()
    assert await kept.is_taken("the-next-of-the-vault-01")
