"""Ends of objects beside other operators, after one was broken off, and with another name of the cluster."""

from copy import deepcopy

import pytest

from service.admin.operations import clients
from service.operator.reconciling import Reconciler, UnfulfilledError
from tests.declared.test_changes import doing
from tests.operator.test_reconciling import Kept
from tests.world import World


async def test_a_client_does_not_come_back_after_its_end(world: World) -> None:
    """Another operator had begun to look at the object before the first one ended it."""
    kept = Kept(world)
    await kept.look()
    kept.body["status"] = kept.status
    seen = deepcopy(kept.body)
    kept.cluster.going.add("uid-of-web")
    assert await kept.reconciler.end(kept.body) == "web"
    with pytest.raises(UnfulfilledError, match="about to go") as refused:
        await kept.another().apply(seen, kept.status)
    assert refused.value.reason == "Changing"
    assert (await doing(world)(clients.LIST, {}))["clients"] == []


async def test_an_end_that_was_broken_off_is_swept(world: World) -> None:
    kept = Kept(world)
    assert await kept.reconciler.end(kept.body) == ""
    assert "client.sweep" not in kept.asked, "it made nothing"
    await kept.look()
    kept.body["status"] = kept.status
    await doing(world)(clients.DELETE, {"client_id": "web"})
    assert await kept.reconciler.end(kept.body) == ""
    assert kept.asked[-1] == "client.sweep"


@pytest.mark.parametrize("ends", [False, True])
async def test_a_name_of_the_cluster_that_comes_later_takes_what_the_object_made(world: World, ends: bool) -> None:
    kept = Kept(world)
    await kept.look()
    kept.body["status"] = kept.status
    named: Reconciler = kept.another(cluster_name="eu")
    if ends:
        assert await named.end(kept.body) == "web"
        return
    await named.apply(kept.body, kept.status)
    shown = await doing(world)(clients.SHOW, {"client_id": "web"})
    assert shown["managed_by"] == "kubernetes:eu:shop/web"
    assert await kept.is_taken(kept.secret["client_secret"])


async def test_it_does_not_take_what_an_object_of_another_cluster_made(world: World) -> None:
    kept = Kept(world)
    await kept.look()
    named = kept.another(cluster_name="eu")
    with pytest.raises(UnfulfilledError) as refused:
        await named.apply(kept.body, {})
    assert refused.value.reason == "DeclaredElsewhere"
    assert await named.end(kept.body) == ""


@pytest.mark.parametrize("cluster_name", ["", "eu"])
async def test_an_alias_of_another_is_not_taken_for_what_the_object_made(world: World, cluster_name: str) -> None:
    kept, do = Kept(world), doing(world)
    await kept.look()
    await do(clients.DELETE, {"client_id": "web"})
    mark = kept.reconciler.mark(kept.body)
    others = {"client_id": "x", "alias": "web", "grant_types": ["client_credentials"], "managed_by": mark}
    await do(clients.CREATE, others)
    with pytest.raises(UnfulfilledError) as refused:
        await kept.another(cluster_name=cluster_name).apply(kept.body, kept.status)
    assert refused.value.reason == "DeclaredElsewhere"
    assert (await do(clients.SHOW, {"client_id": "x"}))["managed_by"] == mark
