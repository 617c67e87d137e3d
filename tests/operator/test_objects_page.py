"""docs/how-to/kubernetes-objects.md: its manifest makes what it says, and its reasons are those that there are."""

import re

import yaml  # type: ignore[import-untyped]

from service.admin.operations import clients
from service.declared import KINDS
from service.operator.status import Reason
from tests.declared.test_changes import doing
from tests.operator.test_reconciling import Kept
from tests.pages import Page
from tests.world import World

PAGE = Page("how-to/kubernetes-objects.md")


async def test_the_manifest_of_the_page(world: World) -> None:
    manifest = yaml.safe_load(PAGE.block("yaml", "kind: OAuth2Client"))
    kept = Kept(world, manifest["kind"], manifest["metadata"]["name"], **manifest["spec"])
    assert await kept.look() == ["SecretWritten", "Created"]
    shown = await doing(kept.world)(clients.SHOW, {"client_id": "web"})
    assert shown["name"] == "The shop"
    assert set(kept.secret) == {"client_id", "client_secret", "issuer"}
    assert kept.reconciler.mark(kept.body) == "kubernetes:shop/web"
    assert f"--managed-by {kept.reconciler.mark(kept.body)}" in PAGE.text


def test_the_page_names_every_reason_of_a_condition() -> None:
    named = set(re.findall(r"^\| `([A-Z]\w+)` \|", PAGE.text, re.MULTILINE))
    assert named - set(KINDS) == set(Reason)
