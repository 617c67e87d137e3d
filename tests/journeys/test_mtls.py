"""curl with client certificates, against our own listener and against a real nginx in front (docs/how-to/mtls.md)."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.admin import clients
from service.admin.client_input import ClientInput
from service.app import open_issuer, serving
from service.cli.client_options import flag_of
from service.crypto.client_certificates import thumbprint
from service.protocol.client_metadata import ROWS
from service.settings import Settings
from tests.certificates import NAME, Authority, Shown, alternative, self_signed
from tests.nginx import needs_nginx, nginx
from tests.pages import Page
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import settings_for

OURS = Authority("Clients")
SERVERS = Authority("Servers")
GOOD, MINE, STRANGER, FORGED = OURS.issue(), self_signed(), self_signed(), self_signed()
SERVER = SERVERS.issue(
    (NAME, "localhost"), names=(alternative("dns", "localhost"),), usage=(ExtendedKeyUsageOID.SERVER_AUTH,)
)

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here: apt-get install curl")


class Answer(NamedTuple):
    status: int
    body: Any


class Curl:
    """``curl`` to one place, which its certificate authority proves."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"https://localhost:{port}"

    async def __call__(self, path: str, shown: Shown | None, *options: str, **form: str) -> Answer:
        """POST a form; ``shown``: with this certificate."""
        trusted = SERVERS.file(self.folder, "servers")
        command = ["curl", "-sS", "--cacert", str(trusted), "-w", "\n%{http_code}", *options]
        if shown is not None:
            certificate, key = shown.files(self.folder, thumbprint(shown.der)[:8].replace("-", "_"))
            command += ["--cert", str(certificate), "--key", str(key)]
        for name, value in form.items():
            command += ["--data-urlencode", f"{name}={value}"]
        done = await asyncio.create_subprocess_exec(*command, self.url + path, stdout=-1, stderr=-1)
        said, failed = await done.communicate()
        assert done.returncode == 0, failed.decode()
        body, _, status = said.decode().rpartition("\n")
        return Answer(int(status), json.loads(body) if body.startswith("{") else body)

    async def token(self, client_id: str, shown: Shown | None, *options: str) -> Answer:
        return await self("/token", shown, *options, client_id=client_id, grant_type="client_credentials")


@asynccontextmanager
async def bank(redis: Shape, folder: Path, **settings: Any) -> AsyncIterator[None]:
    """A service with a client of each method, both with bound tokens."""
    settings = {"client_ca_file": OURS.file(folder), "host": "127.0.0.1", **settings}
    async with open_issuer(settings_for(redis.url, **settings)) as issuer, serving(issuer):
        common = {"grant_types": ["client_credentials"], "scopes": ["read"], "introspect": True}
        common |= {"tls_client_certificate_bound_access_tokens": True}
        authority = {"auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=billing,O=Bank,C=DE"}
        own = {"auth_method": "self_signed_tls_client_auth", "jwks": {"keys": [MINE.jwk]}}
        for client_id, method in (("authority", authority), ("own", own)):
            await clients.create_client(issuer, ClientInput.read({"client_id": client_id, **common, **method}))
        yield


async def _is_a_bank(curl: Curl) -> None:
    """Who shows the right certificate gets in, and nobody else."""
    for client_id, shown in (("authority", GOOD), ("own", MINE)):
        answer = await curl.token(client_id, shown)
        assert answer.status == 200, answer
        token = answer.body["access_token"]
        told = await curl("/introspect", shown, client_id=client_id, token=token)
        assert told.body["cnf"] == {"x5t#S256": thumbprint(shown.der)}
        for other in (None, STRANGER, FORGED):
            refused = await curl.token(client_id, other)
            assert (refused.status, refused.body["error"]) == (401, "invalid_client")
    assert (await curl.token("authority", MINE)).status == 401
    assert (await curl.token("own", GOOD)).status == 401


async def test_our_own_listener(redis: Shape, tmp_path: Path) -> None:
    port, mtls_port = free_port(), free_port()
    certificate, key = SERVER.files(tmp_path, "server")
    issuer = f"https://localhost:{port}"
    tls = {"tls_certificate_file": certificate, "tls_key_file": key, "mtls_port": mtls_port}
    async with bank(redis, tmp_path, port=port, issuer=issuer, mtls_url=f"https://localhost:{mtls_port}", **tls):
        plain, curl = Curl(tmp_path, port), Curl(tmp_path, mtls_port)
        await _is_a_bank(curl)
        discovered = await plain("/.well-known/openid-configuration", None)
        assert discovered.body["mtls_endpoint_aliases"]["token_endpoint"] == f"{curl.url}/token"
        assert (await plain.token("authority", GOOD)).status == 401, "nobody is asked there"
        forged = f"Client-Cert: {GOOD.headers['Client-Cert']}"
        for place in (plain, curl):
            assert (await place.token("authority", None, "-H", forged)).status == 401
            assert (await place.token("authority", STRANGER, "-H", forged)).status == 401


@needs_nginx
async def test_a_real_nginx_in_front(redis: Shape, tmp_path: Path) -> None:
    port = free_port()
    proxied = {"trusted_proxies": ("127.0.0.1/32",), "forwarded_certificate": "nginx"}
    async with (
        bank(redis, tmp_path, port=port, issuer="https://localhost", **proxied),
        nginx(tmp_path, SERVER, port) as front,
    ):
        curl = Curl(tmp_path, front)
        await _is_a_bank(curl)
        forged = f"ssl-client-cert: {quote(GOOD.pem)}"
        for shown in (None, STRANGER):
            assert (await curl.token("authority", shown, "-H", forged)).status == 401, "nginx writes its own"
        direct = Curl(tmp_path, port)
        direct.url = f"http://127.0.0.1:{port}"
        secure = ("-H", "X-Forwarded-Proto: https", "-H", forged)
        assert (await direct.token("authority", None, *secure)).status == 200, "what a proxy of ours sends"
        stranger = await direct.token("authority", None, *secure, "--interface", "127.0.0.2")
        assert stranger.status == 400, "plain HTTP from somebody who is no proxy"


@needs_nginx
async def test_the_header_of_another_form_is_not_guessed_at(redis: Shape, tmp_path: Path) -> None:
    """nginx in front, and settings for another proxy: no certificate, rather than one that somebody wrote."""
    port = free_port()
    proxied = {"trusted_proxies": ("127.0.0.1/32",), "forwarded_certificate": "rfc9440"}
    async with (
        bank(redis, tmp_path, port=port, issuer="https://localhost", **proxied),
        nginx(tmp_path, SERVER, port) as front,
    ):
        answer = await Curl(tmp_path, front).token("authority", GOOD)
        assert answer.status == 401, "the header of another form is not guessed at"


def test_the_page_says_only_what_is_there() -> None:
    """Options of the command and settings that docs/how-to/mtls.md names."""
    page = Page("how-to/mtls.md")
    flags = {flag_of(row) for row in ROWS.values()}
    assert set(re.findall(r"--(?:certificate|jwks|auth)[a-z-]*", page.text)) <= flags
    names = [line.split(" = ")[0] for block in page.blocks("toml") for line in block.splitlines()]
    assert len(names) > 6
    assert set(names) <= set(Settings.model_fields)
