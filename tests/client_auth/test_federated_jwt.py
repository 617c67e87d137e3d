"""federated_jwt: a workload proves itself by the token that its platform gave it; and the table of what does not pass."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse

from service.app import open_issuer
from service.crypto.key_material import generate
from service.protocol.names import ClientAuthMethod, SigningAlgorithm
from service.tokens.assertions import SPIFFE_ASSERTION
from tests.assertions import ISSUER, Signer, proof
from tests.forging import hs256
from tests.redis_shapes import Shape
from tests.workloads import BILLING, CLUSTER, RS256, Platform, trust, workload
from tests.world import World, error_of, in_process, settings_for

PLATFORM = Platform()
OTHER = Platform()
NOW = int(time.time())


@pytest.fixture
async def cluster(world: World) -> World:
    """A cluster that is trusted, and a client that is one of its service accounts."""
    await trust(world, PLATFORM)
    await workload(world, PLATFORM)
    return world


async def ask(world: World, token: str, client_id: str | None = "billing", **form: str) -> ClientResponse:
    """A token request with client_id beside the token, as such clients send it."""
    named = {} if client_id is None else {"client_id": client_id}
    return await world.post("/token", {"grant_type": "client_credentials", **proof(token), **named, **form}, None)


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
async def test_a_service_account_proves_a_client(cluster: World, path: str) -> None:
    form = {"grant_type": "client_credentials", "token": "x", "client_id": "billing"}
    response = await cluster.post(path, form | proof(PLATFORM.service_account_token()), None)
    assert response.status == 200, await response.text()


async def test_a_token_is_used_until_it_ends(cluster: World) -> None:
    """Kubernetes gives a pod the same one for most of an hour: its jti does not count once."""
    token = PLATFORM.service_account_token()
    assert [(await ask(cluster, token)).status for _ in range(3)] == [200, 200, 200]
    assert not cluster.key_names("{assertion:"), "nothing is remembered of it"


async def test_the_audience_may_be_another_name_of_ours(cluster: World) -> None:
    await trust(cluster, PLATFORM, audience="mintmark")
    for audience in ("mintmark", ["mintmark"], ISSUER):
        assert (await ask(cluster, PLATFORM.service_account_token(aud=audience))).status == 200
    assert (await ask(cluster, PLATFORM.service_account_token(aud="sts.amazonaws.com"))).status == 401


FORGED: dict[str, str] = {
    "another cluster's token of the same name": OTHER.service_account_token(),
    "another cluster's key, under the kid of ours": OTHER.service_account_token(
        headers={"kid": PLATFORM.jwks["keys"][0]["kid"]}
    ),
    "another issuer": PLATFORM.service_account_token(iss="https://other.example"),
    "an issuer that begins like it": PLATFORM.service_account_token(iss=CLUSTER + ".evil.example"),
    "the issuer with a slash": PLATFORM.service_account_token(iss=CLUSTER + "/"),
    "another account": PLATFORM.service_account_token(account="admin"),
    "another namespace": PLATFORM.service_account_token(namespace="evil"),
    "a subject that begins like it": PLATFORM.service_account_token(sub=BILLING + "2"),
    "the client_id as its subject": PLATFORM.service_account_token(sub="billing"),
    "the subject in other letters": PLATFORM.service_account_token(sub=BILLING.upper()),
    "a wildcard as its subject": PLATFORM.service_account_token(sub="*"),
    "for the API server": PLATFORM.service_account_token(aud=[CLUSTER]),
    "for us and for another": PLATFORM.service_account_token(aud=[ISSUER, "https://other.example"]),
    "for the token endpoint": PLATFORM.service_account_token(aud=ISSUER + "/token"),
    "for nobody": PLATFORM.service_account_token(aud=None),
    "expired": PLATFORM.service_account_token(exp=NOW - 60),
    "without an end": PLATFORM.service_account_token(exp=None),
    "good for a year": PLATFORM.service_account_token(exp=NOW + 86400 * 365),
    "not good yet": PLATFORM.service_account_token(nbf=NOW + 3600),
    "from the future": PLATFORM.service_account_token(iat=NOW + 3600),
    "for another purpose": PLATFORM.service_account_token(headers={"typ": "at+jwt"}),
    "alg none": Platform(algorithm=RS256).service_account_token().rpartition(".")[0] + ".",
    "an HMAC with the public key": hs256(
        {"iss": CLUSTER, "sub": BILLING, "aud": ISSUER, "exp": NOW + 60}, json.dumps(PLATFORM.jwks["keys"][0]).encode()
    ),
    "an assertion of its own": Signer(subject="billing").sign(),
    "no issuer": PLATFORM.service_account_token(iss=None),
    "no subject": PLATFORM.service_account_token(sub=None),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_what_proves_nothing(cluster: World, kind: str) -> None:
    response = await ask(cluster, FORGED[kind])
    assert await error_of(response) == (401, "invalid_client"), await response.text()
    assert (await ask(cluster, PLATFORM.service_account_token())).status == 200, "its right token is as good as before"


@pytest.mark.parametrize(
    "said",
    [
        {"uses": ("jwt-bearer", "token-exchange", "id-jag")},
        {"clients": ("other",)},
        {"subjects": ("system:serviceaccount:shop:other",)},
        {"algorithms": (SigningAlgorithm.ES256,)},
        {"jwks": OTHER.jwks},
    ],
)
async def test_an_issuer_that_is_not_trusted_for_it(cluster: World, said: dict[str, Any]) -> None:
    await trust(cluster, PLATFORM, **said)
    assert await error_of(await ask(cluster, PLATFORM.service_account_token())) == (401, "invalid_client")


async def test_an_issuer_that_is_trusted_no_more(cluster: World) -> None:
    await cluster.issuer.store.trusted_issuers.delete(CLUSTER)
    assert await error_of(await ask(cluster, PLATFORM.service_account_token())) == (401, "invalid_client")


async def test_trust_for_clients_lets_nobody_assert_users(cluster: World) -> None:
    """The holder of the platform's keys is a client here, and never a user."""
    jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    await cluster.client("web", grant_types=(jwt_bearer,))
    token = PLATFORM.service_account_token(sub="alice")
    assert await error_of(await cluster.token("web", grant_type=jwt_bearer, assertion=token)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("registered", "passes"),
    [
        ("/kubernetes.io/namespace=shop", True),
        ("/kubernetes.io/serviceaccount/uid=14ee3fa4-a7e2-420f-9f9a-dbc4507c3798", True),
        ("/kubernetes.io/namespace=prod", False),
        ("/kubernetes.io/node=node-1", False),
        ("/kubernetes.io/pod/name/x=billing-7d4b9", False),
        ("namespace=shop", False),
        ("aud=" + ISSUER, False),
    ],
)
async def test_further_claims(world: World, registered: str, passes: bool) -> None:
    await trust(world, PLATFORM)
    await workload(world, PLATFORM, federated_claims=("jti=0b1a4b2c-5f9b-4b0a-8b8e-6f3d6a0b7e11", registered))
    response = await ask(world, PLATFORM.service_account_token())
    assert response.status == (200 if passes else 401), await response.text()


GITHUB = {
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:octo-org/octo-repo:environment:prod",
    "repository": "octo-org/octo-repo",
    "repository_id": "74",
    "ref": "refs/heads/main",
    "event_name": "push",
}
GITLAB = {
    "iss": "https://gitlab.example",
    "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
    "project_id": "22",
    "ref_protected": "true",
    "environment_protected": False,
    "pipeline_id": 574,
}
GOOGLE = {"iss": "https://accounts.google.com", "sub": "113475438248934895348", "email_verified": True}


@pytest.mark.parametrize(
    ("told", "claims"),
    [
        (GITHUB, ("ref=refs/heads/main", "repository_id=74")),
        (GITLAB, ("ref_protected=true", "environment_protected=false", "pipeline_id=574")),
        (GOOGLE, ("email_verified=true",)),
    ],
    ids=["GitHub", "GitLab", "Google"],
)
async def test_other_platforms(world: World, told: dict[str, Any], claims: tuple[str, ...]) -> None:
    platform = Platform(issuer=told["iss"])
    await trust(world, platform)
    await workload(world, platform, federated_subject=told["sub"], federated_claims=claims)
    times = {"aud": ISSUER, "iat": NOW, "exp": NOW + 3000}
    assert (await ask(world, platform.sign(told | times, {"typ": "JWT"}))).status == 200
    assert (await ask(world, platform.sign(told | times | {"sub": told["sub"] + "x"}))).status == 401
    name = claims[0].partition("=")[0]
    assert (await ask(world, platform.sign(told | times | {name: "other"}))).status == 401


async def test_a_jwt_svid(world: World) -> None:
    """draft-ietf-oauth-spiffe-client-auth: no iss, keys of the trust domain, the client named or called like its SPIFFE ID."""
    spiffe_id = "spiffe://example.org/billing"
    es256 = SigningAlgorithm.ES256
    domain = Platform(issuer="spiffe://example.org", key=generate(es256, 0), algorithm=es256)
    bundle = {"keys": [{"use": "x509-svid", "kty": "EC"}, domain.jwks["keys"][0] | {"use": "jwt-svid"}]}
    await trust(world, domain, jwks=bundle)
    await workload(world, domain, federated_subject=spiffe_id)
    await workload(world, domain, federated_subject=spiffe_id, client_id=spiffe_id)
    claims = {"aud": [ISSUER], "sub": spiffe_id, "iat": NOW, "exp": NOW + 3000}
    svid = {"client_assertion_type": SPIFFE_ASSERTION}
    for client_id in ("billing", None):
        assert (await ask(world, domain.sign(claims, {"typ": "JWT"}), client_id, **svid)).status == 200
    assert (await ask(world, domain.sign(claims), "billing")).status == 401, "without iss it is no other assertion"
    for wrong in (
        {"sub": "spiffe://example.org/other"},
        {"sub": "spiffe://example.com/billing"},
        {"sub": "spiffe://example.org"},
        {"aud": ["https://other.example"]},
        {"exp": None},
        {"exp": NOW - 60},
    ):
        assert await error_of(await ask(world, domain.sign(claims | wrong), "billing", **svid)) == (
            401,
            "invalid_client",
        )
    stranger = Platform(key=generate(es256, 0), algorithm=es256)
    token = stranger.sign(claims | {"iss": "spiffe://example.org"})
    assert (await ask(world, token, "billing", **svid)).status == 401


async def test_a_client_that_is_registered_for_something_else(cluster: World) -> None:
    """The registered method is the only one: neither way round does one stand in for the other."""
    names = {"federated_issuer": CLUSTER, "federated_subject": BILLING}
    for method in (ClientAuthMethod.PRIVATE_KEY_JWT, ClientAuthMethod.CLIENT_SECRET, ClientAuthMethod.NONE):
        await workload(cluster, PLATFORM, auth_method=method, jwks=PLATFORM.jwks, **names)
        response = await ask(cluster, PLATFORM.service_account_token())
        assert await error_of(response) == (401, "invalid_client"), method


@pytest.fixture
async def here(redis: Shape) -> AsyncIterator[World]:
    """A service that asks issuers on this machine for their keys."""
    settings = settings_for(redis.url, fetch_private_addresses=True)
    async with open_issuer(settings) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


async def test_keys_by_discovery(here: World) -> None:
    """OpenID Connect Discovery: asked for once, whoever comes; a new key is looked for, but not without end."""
    platform = Platform()
    async with platform.publishing() as published:
        await trust(here, platform, jwks=None)
        await workload(here, platform)
        for _ in range(3):
            assert (await ask(here, platform.service_account_token())).status == 200
        assert published.asked == ["/.well-known/openid-configuration", "/keys"]
        platform.key = generate(RS256, 2048)
        for _ in range(5):
            assert (await ask(here, platform.service_account_token())).status == 401
        assert len(published.asked) == 2, "an unknown kid is looked for once a minute, and the keys are fresh"


@pytest.mark.parametrize(
    "document", [{"named": "https://other.example"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "http://[::1"}]
)
async def test_a_discovery_document_that_is_none(here: World, document: dict[str, str]) -> None:
    platform = Platform()
    async with platform.publishing(**document):
        await trust(here, platform, jwks=None)
        await workload(here, platform)
        response = await ask(here, platform.service_account_token())
        assert await error_of(response) == (401, "invalid_client")
        assert "other.example" not in await response.text(), "who asks does not learn what is there"


async def test_private_addresses_are_not_asked(world: World) -> None:
    platform = Platform()
    async with platform.publishing() as published:
        await trust(world, platform, jwks=None)
        await workload(world, platform)
        assert (await ask(world, platform.service_account_token())).status == 401
        assert published.asked == []
