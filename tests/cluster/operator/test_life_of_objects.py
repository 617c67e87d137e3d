"""The operator on a real API server, by the rights that the chart gives it, beside a real service."""

import asyncio
import json

import yaml  # type: ignore[import-untyped]

from service.declared import API_VERSION
from tests.cluster.operator.watched import SPEC, Watched
from tests.helm.chart import objects


async def test_life_of_a_client(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        first = watched.secret("web-oauth")
        others = {"client_id": "web", "issuer": "https://id.example.com"}
        assert first == others | {"client_secret": first["client_secret"]}
        assert await watched.takes("web", first["client_secret"])
        assert " ".join(watched.kubectl("get", "oa2c", "--no-headers").split()[:4]) == "web web True Declared"

        watched.declare("web", **SPEC, name="The shop", secret={"name": "web-oauth"})

        async def is_renamed() -> bool:
            return bool((await watched.admin("GET", "/clients/web"))[1]["name"] == "The shop")

        await watched.until(is_renamed, "it has its name")
        await watched.admin("PATCH", "/clients/web", name="Somebody else's")
        await watched.until(is_renamed, "it has its name again")

        watched.kubectl("annotate", "oauth2client", "web", "mintmark.dev/rotate-secret=1")
        await watched.until(lambda: watched.secret("web-oauth") != first, "there is another secret")
        second = watched.secret("web-oauth")["client_secret"]
        await watched.until(lambda: watched.takes("web", second), "it counts")
        assert await watched.takes("web", first["client_secret"]), "the old one counts a while"

        watched.kubectl("delete", "secret", "web-oauth")
        await watched.until(
            lambda: "web-oauth" in watched.kubectl("get", "secret", "--output", "name"), "it comes again"
        )

        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")
        assert (await watched.admin("GET", "/clients/web"))[0] == 404
    assert {"Created", "Updated", "DriftPutRight", "SecretWritten", "SecretChanged", "Ended"} <= set(watched.reasons())


async def test_other_kinds(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("api", "OAuth2Resource", resource="https://api.example.com", scopes=["read"])
        watched.declare("ci", "TrustedIssuer", issuer="https://ci.example.com", uses=["token-exchange"])
        for kind, name in (("oauth2resource", "api"), ("trustedissuer", "ci")):
            await watched.until(lambda k=kind, n=name: watched.ready(n, k).get("status") == "True", name)
        assert (await watched.admin("GET", "/trusted-issuers"))[1]["trusts"][0]["issuer"] == "https://ci.example.com"
        watched.kubectl("delete", "oauth2resource,trustedissuer", "--all", "--timeout=60s")
        assert (await watched.admin("GET", "/resources"))[1]["resources"] == []


async def test_the_api_server_refuses_what_has_no_meaning(watched: Watched) -> None:
    watched.declare("web")
    for path, told in (
        ('{"spec":{"refresh_grace":301}}', "less than or equal to 300"),
        ('{"spec":{"auth_method":"telepathy"}}', "Unsupported value"),
        ('{"spec":{"client_id":"another"}}', "client_id cannot be changed"),
        ('{"spec":{"redirect_uris":"https://shop.example/cb"}}', "must be of type array"),
    ):
        done = watched.cluster.run(
            "patch", "oauth2client", "web", "--namespace", watched.namespace, "--type=merge", "--patch", path
        )
        assert done.returncode, path
        assert told in done.stderr


async def test_what_it_did_not_make_it_says_and_leaves(watched: Watched) -> None:
    await watched.admin("POST", "/clients", client_id="web", **SPEC)
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.ready("web").get("reason") == "DeclaredElsewhere", "it says so")
        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")
    assert (await watched.admin("GET", "/clients/web"))[0] == 200


async def test_two_operators_make_one_of_each(watched: Watched) -> None:
    """Started together, with objects made, given new secrets and deleted under both."""
    names = [f"web-{number}" for number in range(12)]
    async with watched.operating("first"), watched.operating("second"):
        for name in names:
            watched.declare(name)
        for name in names:
            await watched.until(lambda n=name: watched.is_ready(n), name)
        before = {name: watched.secret(f"{name}-oauth")["client_secret"] for name in names}
        assert all([await watched.takes(name, secret) for name, secret in before.items()])
        watched.kubectl("annotate", "oauth2client", "--all", "mintmark.dev/rotate-secret=1")
        for name in names:
            await watched.until(lambda n=name: watched.secret(f"{n}-oauth")["client_secret"] != before[n], name)
            after = watched.secret(f"{name}-oauth")["client_secret"]
            await watched.until(lambda n=name, s=after: watched.takes(n, s), name)
        assert all([await watched.takes(name, secret) for name, secret in before.items()])
        for name in names:
            _, shown = await watched.admin("GET", f"/clients/{name}")
            assert len(shown["secrets"]) == 2
        watched.kubectl("delete", "oauth2client", "--all", "--timeout=80s")
    assert (await watched.admin("GET", "/clients"))[1]["clients"] == []


async def test_a_restart_finds_what_was_missed_and_touches_nothing_else(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        watched.declare("going")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        await watched.until(lambda: watched.is_ready("going"), "it is ready")
    watched.kubectl("delete", "oauth2client", "going", "--wait=false")
    watched.declare("new")
    seen = json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json"))
    async with watched.operating("again"):
        await watched.until(lambda: watched.is_ready("new"), "what came is there")
        watched.kubectl("wait", "--for=delete", "oauth2client/going", "--timeout=60s")
        await asyncio.sleep(5)  # some looks
    assert json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json")) == seen
    assert (await watched.admin("GET", "/clients/going"))[0] == 404


async def test_an_object_is_not_stuck_where_the_service_is_away(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        await watched.server.stop()
        watched.kubectl("delete", "oauth2client", "web", "--wait=false")
        await watched.until(lambda: "CannotEnd" in watched.reasons(), "it says why")
        await watched.until(lambda: watched.ready("web").get("reason") == "CannotEnd", "its condition does, too")
        watched.kubectl("annotate", "oauth2client", "web", "mintmark.dev/abandon=true")
        watched.kubectl("wait", "--for=delete", "oauth2client/web", "--timeout=80s")
    await watched.server.start()
    assert (await watched.admin("GET", "/clients/web"))[0] == 200


async def test_namespaces_are_chosen_by_label_also_later(watched: Watched) -> None:
    """One without the label is another operator's: not even a finalizer of ours is on its objects."""
    rights = watched.rights_everywhere()
    watched.declare("web")
    async with watched.operating(watching=("--namespace-label", "team=shop"), rights=rights):
        await asyncio.sleep(6)
        untouched = json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json"))
        assert "status" not in untouched
        assert "finalizers" not in untouched["metadata"]
        watched.cluster.kubectl("label", "namespace", watched.namespace, "team=shop")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")


async def test_a_namespace_without_rights_is_left_out_until_there_are_some(watched: Watched) -> None:
    other = watched.cluster.namespace(f"{watched.namespace[:40]}-other")
    made = {"apiVersion": API_VERSION, "kind": "OAuth2Client", "metadata": {"name": "late", "namespace": other}}
    watched.cluster.apply(made | {"spec": SPEC | {"secret": {"name": "late-oauth"}}})
    watched.declare("web")
    async with watched.operating(watching=("--namespace", other, "--namespace", watched.namespace)):
        await watched.until(lambda: watched.is_ready("web"), "the others go on")
        assert "namespace_forbidden" in (watched.folder / "operator.log").read_text()
        for one in objects("operator", "--set", f"operator.namespaces={{{other}}}"):
            if one["kind"] in ("Role", "RoleBinding"):
                for subject in one.get("subjects", []):
                    subject["namespace"] = watched.namespace
                watched.cluster.apply(one)
        shown = ("get", "oauth2client", "--namespace", other, "--no-headers")
        await watched.until(lambda: "Declared" in watched.cluster.kubectl(*shown), "it counts, too")


async def test_many_objects_are_looked_at_and_not_written(watched: Watched) -> None:
    """What does not change is not written, or each look would be an event for everybody who watches."""
    many = [
        {
            "apiVersion": API_VERSION,
            "kind": "OAuth2Client",
            "metadata": {"name": f"web-{number}"},
            "spec": SPEC | {"auth_method": "none", "grant_types": ["authorization_code"], "redirect_uris": ["app:/cb"]},
        }
        for number in range(150)
    ]
    watched.kubectl("create", "--filename", "-", stdin=yaml.safe_dump_all(many))

    def ready() -> list[str]:
        told = "jsonpath={range .items[*]}{.status.conditions[0].status} {end}"
        return watched.kubectl("get", "oauth2client", "--output", told).split()

    async with watched.operating(resync=4):
        await watched.until(lambda: ready() == ["True"] * len(many), "all are ready")

        async def is_left_alone() -> bool:
            """For two looks at each."""
            before = watched.cluster.get("oauth2client", "--namespace", watched.namespace)
            await asyncio.sleep(9)
            return watched.cluster.get("oauth2client", "--namespace", watched.namespace) == before

        await watched.until(is_left_alone, "nothing is written any more")
