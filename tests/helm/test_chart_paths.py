"""Which paths the chart shows the world."""

import pytest

from service.app import open_issuer
from service.fronts import browser, oauth
from tests.helm.chart import of_kind, settings, the
from tests.redis_shapes import Shape
from tests.world import settings_for


@pytest.mark.parametrize("values", ["production", "cluster", "gateway", "everything"])
async def test_the_world_sees_every_path_but_probes_and_metrics(values: str, redis: Shape) -> None:
    """Compared with the paths that the service itself has under the issuer of the values, with everything on."""
    read = settings(values)
    chosen = {name: read[name] for name in ("issuer", "token_paths", "grant_management") if name in read}
    async with open_issuer(settings_for(redis.url, **chosen, registration="open"), listen=False) as issuer:
        served = {*browser.Front(issuer).handlers(), *oauth.handlers(issuer)}
        below = issuer.settings.issuer_path
    ours = {path for path in served if path.startswith(f"{below}/")}
    ours |= {path for path in served if path.startswith("/.well-known/") and path.endswith(below)}
    for shown in _paths(values):
        assert sorted(shown) == sorted(path.removesuffix("/*") for path in ours)


def _paths(values: str) -> list[list[str]]:
    ingresses = [
        [path["path"] for path in one["spec"]["rules"][0]["http"]["paths"]] for one in of_kind("Ingress", values)
    ]
    routes = [
        [match["path"]["value"] for rule in one["spec"]["rules"] for match in rule["matches"]]
        for one in of_kind("HTTPRoute", values)
    ]
    assert ingresses or routes
    return ingresses + routes


def test_all_below_a_path_is_seen_where_it_has_a_further_part() -> None:
    """/grants/{grant_id}: the only path that is not known beforehand."""
    types = {
        path["path"]: path["pathType"] for path in the("Ingress", "everything")["spec"]["rules"][0]["http"]["paths"]
    }
    assert (types.pop("/grants"), set(types.values())) == ("Prefix", {"Exact"})
