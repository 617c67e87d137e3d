"""Keycloak on a PostgreSQL of its own, in production mode: one JVM with local caches, as there is one server only."""

import asyncio
import hashlib
import html
import json
import os
import re
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count as numbers
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession, CookieJar

from loadtests import servers
from loadtests.peers import postgresql
from loadtests.peers.keycloak_realm import PASSWORD, REALM, USERS, realm
from loadtests.peers.peer import INSTALLED, Peer, RunningPeer, output_of
from loadtests.servers import Server, ServerFailedError
from loadtests.supplies import CLIENT_ID, REDIRECT_URI, SCOPE, SIGNERS, VERIFIER, Supplier
from loadtests.work import A_JWT
from service.protocol.names import OPENID, SigningAlgorithm
from service.protocol.pkce import s256
from tests.free_ports import free_ports
from tests.redis_shapes import Shape

VERSION = "26.7.3"
SHA256 = "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47"
HOME = INSTALLED / f"keycloak-{VERSION}"
PROGRAM = HOME / "bin" / "kc.sh"
AT_ONCE = 16
OPENID_CONNECT = f"/realms/{REALM}/protocol/openid-connect"


@asynccontextmanager
async def start(_: Shape, supplies: Supplier) -> AsyncIterator[RunningPeer]:
    """Start the peer, which needs no Redis. The first time it is installed: a download of 170 MB and a minute."""
    await _install()
    with postgresql.postgresql() as database:
        url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
        admin = secrets.token_urlsafe(16)
        environment = {
            "KC_DB_URL": f"jdbc:postgresql://127.0.0.1:{database.port}/postgres",
            "KC_DB_USERNAME": postgresql.USER,
            "KC_DB_PASSWORD": database.password,
            "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
            "KC_BOOTSTRAP_ADMIN_PASSWORD": admin,
            "KC_CACHE": "local",
            "KC_HOSTNAME": url,
            "KC_HTTP_ENABLED": "true",
            "KC_HTTP_HOST": "127.0.0.1",
            "KC_HTTP_PORT": str(port),
        }
        async with servers.process([str(PROGRAM), "start", "--optimized"], environment, url, "/realms/master") as pid:
            await _make_realm(url, admin, supplies)
            yield RunningPeer(
                Server("Keycloak", url, pid, (database.pid,)),
                _maker(url, supplies.secret),
                {"Keycloak": VERSION, "Java": await _java_version(), "PostgreSQL": database.version},
                supplies.secret,
                token=f"{OPENID_CONNECT}/token",
                introspection=f"{OPENID_CONNECT}/token/introspect",
                revocation=f"{OPENID_CONNECT}/revoke",
                pushed=f"{OPENID_CONNECT}/ext/par/request",
                audience=f"{url}/realms/{REALM}",
                access=A_JWT,
                refresh=A_JWT,
            )


def _find_missing() -> str:
    if shutil.which("java") is None or shutil.which("mvn") is None:
        return "Java ≥ 17 and Maven are needed: apt-get install default-jdk-headless maven"
    return postgresql.find_missing()


async def _install() -> None:
    """Install it from Maven's repository, if the hash of the archive is the one in this file."""
    if PROGRAM.exists():
        return
    INSTALLED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=INSTALLED) as work:
        artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
        await output_of("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={work}")
        archive = Path(work) / f"keycloak-quarkus-dist-{VERSION}.tar.gz"
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
                raise ServerFailedError(f"{artifact} is not the archive whose hash is in {Path(__file__).name}")
        with tarfile.open(archive) as packed:
            packed.extractall(work, filter="data")
        unpacked = Path(work) / HOME.name
        await output_of(str(unpacked / "bin" / "kc.sh"), "build", "--db=postgres")
        unpacked.rename(HOME)


async def _java_version() -> str:
    """Return the version of a JVM that is started as ``kc.sh`` does."""
    home = os.environ.get("JAVA_HOME")
    output = await output_of(f"{home}/bin/java" if home else "java", "--version")
    found = re.search(r"\d+(\.\d+)+", output)
    return found[0] if found else output.partition("\n")[0]


async def _make_realm(url: str, admin: str, supplies: Supplier) -> None:
    """Make clients and users through its admin API."""
    async with ClientSession(url) as session:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": admin}
        token = (await _post(session, "/realms/master/protocol/openid-connect/token", form))["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post("/admin/realms", json=realm(supplies), headers=headers) as response:
            if response.status != 201:
                raise ServerFailedError(f"Keycloak's admin API says {response.status}: {await response.text()}")


# codes and tokens


def _maker(url: str, secret: str) -> Callable[[str, int, SigningAlgorithm | None], Awaitable[list[dict[str, str]]]]:
    """Return a maker of codes by the login page, and of tokens by the password grant, each in a session of its own."""
    users = numbers()

    async def make(kind: str, count: int, algorithm: SigningAlgorithm | None) -> list[dict[str, str]]:
        one = _code(url, algorithm) if kind == "codes" else _grant(url, secret)
        made: list[dict[str, str]] = []
        while len(made) < count:
            at_once = min(AT_ONCE, count - len(made))
            made += await asyncio.gather(*(one(f"user{next(users) % USERS}") for _ in range(at_once)))
        return made

    return make


def _code(url: str, algorithm: SigningAlgorithm | None) -> Callable[[str], Awaitable[dict[str, str]]]:
    parameters = {
        "response_type": "code",
        "client_id": SIGNERS[algorithm] if algorithm else CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": f"{OPENID} {SCOPE}" if algorithm else SCOPE,
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }

    async def one(user: str) -> dict[str, str]:
        async with ClientSession(url, cookie_jar=CookieJar(unsafe=True, treat_as_secure_origin=url)) as session:
            varying = {"state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16)}
            async with session.get(f"{OPENID_CONNECT}/auth", params=parameters | varying) as response:
                page = await response.text()
            form = re.search(r'action="([^"]+)"', page)
            if form is None:
                raise ServerFailedError(f"Keycloak shows no login page: {response.status} {page[:500]}")
            proof = {"username": user, "password": PASSWORD}
            async with session.post(html.unescape(form[1]), data=proof, allow_redirects=False) as response:
                back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        if "code" not in back:
            raise ServerFailedError(f"Keycloak gives no code: {response.status} {back}")
        return {"code": back["code"][0]}

    return one


def _grant(url: str, secret: str) -> Callable[[str], Awaitable[dict[str, str]]]:
    fixed = {"grant_type": "password", "client_id": CLIENT_ID, "client_secret": secret, "scope": SCOPE}

    async def one(user: str) -> dict[str, str]:
        async with ClientSession(url) as session:
            tokens = await _post(session, f"{OPENID_CONNECT}/token", {**fixed, "username": user, "password": PASSWORD})
        return {name: str(tokens[name]) for name in ("access_token", "refresh_token")}

    return one


async def _post(session: ClientSession, path: str, form: Mapping[str, str]) -> dict[str, Any]:
    async with session.post(path, data=form) as response:
        text = await response.text()
    if response.status != 200:
        raise ServerFailedError(f"Keycloak answers {path} with {response.status}: {text}")
    return dict(json.loads(text))


KEYCLOAK = Peer(
    name="keycloak",
    title="Keycloak",
    start=start,
    find_missing=_find_missing,
    requests=500,
    warm_up=2_000,
    note=(
        "access and refresh tokens are always JWTs, here signed by ES256 and HS512, which is in all its figures; sessions in "
        "PostgreSQL and its own memory"
    ),
    does_not={
        "client_credentials": "access tokens are JWTs",
        "dpop": "takes proofs of the last seconds only, these are made beforehand",
    },
)
