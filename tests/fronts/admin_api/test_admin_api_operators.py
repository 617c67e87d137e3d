"""Who may use the admin API, from where, and what becomes of those who may not."""

import asyncio
import datetime
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.client_exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from service.admin import audit
from service.app import open_issuer, serving
from service.fronts.admin_api.routes import PREFIX, ROUTES
from service.settings import SettingsError
from tests.cli.command_line import CommandLine
from tests.operators import TOKEN, operating
from tests.redis_shapes import Shape
from tests.world import World, basic, settings_for

# tokens


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nothing_is_there_for_those_without_a_token(world: World, route: object) -> None:
    method, path = route.method, route.path.replace("{", "").replace("}", "")  # type: ignore[attr-defined]
    async with operating(world.redis.url) as operator:
        operator.token = ""
        response = await operator.send(method, path)
        assert (response.status, (await response.json(content_type=None))["code"]) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \udcff",
    ],
)
async def test_what_is_no_token_is_refused(world: World, authorization: str) -> None:
    async with operating(world.redis.url) as operator:
        operator.token = ""
        body = await operator("GET", "/clients", status=401, Authorization=authorization)
        assert body["code"] == "unauthorized"


async def test_what_others_prove_themselves_with_is_no_token_of_an_operator(world: World) -> None:
    """A backend's API key, a client's secret and tokens: whoever holds them gets no further than a stranger. And back."""
    tokens = await world.tokens(await world.client())
    keys = {"shop": "s" * 43}
    async with operating(world.redis.url, decision_api_keys=keys) as operator:
        others = [
            *(f"Bearer {secret}" for secret in ("shop", "s" * 43, tokens["access_token"], tokens["refresh_token"])),
            *(
                basic(*pair)["Authorization"]
                for pair in (("shop", "s" * 43), ("app", "s" * 43), ("ci", TOKEN), ("", TOKEN))
            ),
        ]
        operator.token = ""
        for authorization in others:
            await operator("GET", "/clients", status=401, Authorization=authorization)
            form = {"token": authorization.partition(" ")[2]}
            assert (await operator.http.post("/console/sign-in", data=form)).status in (403, 429)
        call = "/api/auth/introspection"
        assert (await operator.http.post(call, json={"token": "x"}, headers=basic("shop", "s" * 43))).status == 200
        for headers in ({"Authorization": f"Bearer {TOKEN}"}, basic("ci", TOKEN), basic("shop", TOKEN)):
            assert (await operator.http.post(call, json={"token": "x"}, headers=headers)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/v1", "/admin/v1/", "/admin/v1//clients", "/admin/v1/../v1/clients", "/admin/v1/%63lients"),
        *("/admin/v1/clients/", "/admin/v1/clients/..", "/admin/v1/clients/%2e%2e", "/admin/v1/nothing"),
        *("//admin/v1/clients", "/%61dmin/v1/clients", "/ADMIN/v1/clients", "/livez/../admin/v1/clients"),
    ],
)
async def test_no_other_way_to_write_a_path_goes_around_the_token(world: World, path: str) -> None:
    await world.client("the-shop")
    async with operating(world.redis.url) as operator:
        url = URL(f"http://127.0.0.1:{operator.http.port}{path}", encoded=True)
        async with operator.http.session.get(url) as response:
            assert response.status in (401, 404)
            assert "the-shop" not in await response.text()


async def test_two_tokens_at_once_are_refused(world: World) -> None:
    async with operating(world.redis.url) as operator:
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
        assert (await operator.http.get(f"{PREFIX}/clients", headers=headers)).status == 401


async def test_the_name_of_the_token_is_in_the_audit_log(world: World) -> None:
    async with operating(world.redis.url) as operator:
        for token in (TOKEN, "o" * 40):
            operator.token = token
            await operator("POST", "/users", {"username": token[:5]}, status=201)
        page = await audit.list_entries(operator.issuer)
        assert [(placed.entry.actor, placed.entry.way) for placed in page.rows] == [
            ("other", "admin_api"),
            ("ci", "admin_api"),
        ]
        assert TOKEN not in str(page)


async def test_guessing_is_slowed_down_and_locks_nobody_out(world: World) -> None:
    """Whoever shares an address with a guesser still gets in: a token cannot be guessed."""
    async with operating(world.redis.url, client_failures_allowed=3) as operator:
        operator.token = "wrong"
        answers = [await operator.send("GET", "/clients") for _ in range(6)]
        assert [answer.status for answer in answers] == [401, 401, 401, 429, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) >= 1
        operator.token = TOKEN
        await operator("GET", "/clients", status=200)
        assert "operator_blocked" in operator.issuer.metrics.exposition().decode()


async def test_failed_tries_fill_no_audit_log(world: World) -> None:
    """Else anybody could push out what operators did."""
    async with operating(world.redis.url) as operator:
        operator.token = "wrong"
        for _ in range(5):
            await operator.send("DELETE", "/users/alice")
        assert (await audit.list_entries(operator.issuer)).rows == []


async def test_without_operators_there_is_no_admin_api(world: World) -> None:
    async with operating(world.redis.url, admin_tokens={}) as operator:
        assert (await operator.send("GET", "/clients")).status == 404
        assert (await operator.http.get("/openapi.json")).status == 404
        assert (await operator.http.get("/livez")).status == 200


async def test_it_is_not_at_the_port_of_the_service(world: World) -> None:
    async with world.having(admin_port=0, admin_tokens={"ci": TOKEN}) as having:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        for path in (f"{PREFIX}/clients", "/openapi.json"):
            assert (await having.http.get(path, headers=headers)).status == 404


# where from


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}, 403),
        ({"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}, 200),
        ({}, 200),
    ],
)
async def test_a_token_is_not_for_plain_http_from_elsewhere(
    world: World, forwarded: dict[str, str], status: int
) -> None:
    async with operating(world.redis.url, trusted_proxies=("127.0.0.0/8",)) as operator:
        body = await operator("GET", "/clients", status=status, **forwarded)
        assert status == 200 or "HTTPS is required" in body["detail"]


async def test_the_address_behind_a_trusted_proxy_is_written_down(world: World) -> None:
    async with operating(world.redis.url, trusted_proxies=("127.0.0.0/8",)) as operator:
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        await operator("POST", "/users", {"username": "alice"}, status=201, **forwarded)
        assert (await audit.list_entries(operator.issuer)).rows[0].entry.address == "192.0.2.7"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_can_do_nothing(world: World, headers: dict[str, str]) -> None:
    """A browser would send a client certificate along with a request that needs no preflight."""
    async with operating(world.redis.url) as operator:
        await operator("POST", "/users", {"username": "alice"}, status=201)
        await operator("POST", "/users/alice/disable", status=403, **headers)
        assert (await operator("GET", "/users/alice"))["enabled"]
        preflight = await operator.http.options(
            f"{PREFIX}/users", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert not [name for name in preflight.headers if name.startswith("Access-Control")]


async def test_what_is_answered_is_kept_nowhere_and_is_no_page(world: World) -> None:
    async with operating(world.redis.url) as operator:
        for path in ("/users", "/users/nobody"):
            headers = (await operator.send("GET", path)).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Server"] == "mintmark"


# certificates


@dataclass
class Authority:
    """A certificate authority in files."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        self.certificate = self._sign(subject, subject, self.key.public_key(), x509.BasicConstraints(True, None))
        self.file = self.folder / f"{self.name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, *, server: bool = False) -> tuple[Path, Path]:
        """Files of a certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        made = self._sign(
            x509.Name(names), self.certificate.subject, key.public_key(), x509.BasicConstraints(False, None), server
        )
        paths = self.folder / f"{self.name}-{common_name}.pem", self.folder / f"{self.name}-{common_name}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def _sign(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        constraints: x509.BasicConstraints,
        server: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=not subject.rdns)
        )
        if server:
            usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO):
        yield


def _tls(authority: Authority, shown: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.file)
    if shown is not None:
        context.load_cert_chain(*shown)
    return context


@pytest.mark.usefixtures("_quiet")
async def test_a_client_certificate_is_an_operator(
    redis: Shape, ours: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = ours.issue("localhost", server=True)
    others = Authority(tmp_path, "others")
    tls = {"admin_certificate_file": certificate, "admin_key_file": key, "admin_client_ca_file": ours.file}
    async with (
        open_issuer(settings_for(redis.url, port=0, admin_port=0, **tls)) as issuer,
        serving(issuer),
    ):
        (url,) = [record.url for record in caplog.records if record.message == "admin_serving"]  # type: ignore[attr-defined]
        assert url.startswith("https://")
        url = url.replace("127.0.0.1", "localhost")

        async def status(shown: tuple[Path, Path] | None, path: str = f"{PREFIX}/users") -> int:
            async with (
                ClientSession(connector=TCPConnector(ssl=_tls(ours, shown))) as http,
                http.request(
                    "POST" if shown else "GET", url + path, json={"username": f"u{len(str(shown))}"}
                ) as answer,
            ):
                return answer.status

        assert await status(ours.issue("alice")) == 201
        assert await status(None) == 401
        assert await status(None, "/readyz") == 200
        assert await status(ours.issue("")) == 401, "nobody would know who it was"
        with pytest.raises((ClientError, OSError)):
            await status(others.issue("alice"))
        with pytest.raises((ClientError, OSError)):
            await status(ours.issue("a-server", server=True))
        page = await audit.list_entries(issuer)
        assert [placed.entry.actor for placed in page.rows] == ["alice"]


@pytest.mark.usefixtures("_quiet")
async def test_mintmark_shows_its_certificate(
    redis: Shape,
    ours: Authority,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    certificate, key = ours.issue("localhost", server=True)
    tls = {"admin_certificate_file": certificate, "admin_key_file": key, "admin_client_ca_file": ours.file}
    async with (
        open_issuer(settings_for(redis.url, port=0, admin_port=0, **tls)) as issuer,
        serving(issuer),
    ):
        (url,) = [record.url for record in caplog.records if record.message == "admin_serving"]  # type: ignore[attr-defined]
        mine, my_key = ours.issue("bob")
        mintmark = CommandLine(monkeypatch, capsys, {"MINTMARK_URL": url.replace("127.0.0.1", "localhost")})
        files = ("--ca-file", str(ours.file), "--certificate-file", str(mine), "--key-file", str(my_key))
        done = await asyncio.to_thread(mintmark, *files, "user", "create", "alice", "--no-password", "--json")
        assert done.json["username"] == "alice"
        assert (await audit.list_entries(issuer)).rows[0].entry.actor == "bob"


def test_files_that_are_no_certificates_are_told(mintmark_of: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    for name in ("nothing", "nonsense"):
        path = str(tmp_path / name)
        files = {"MINTMARK_ADMIN_CERTIFICATE_FILE": path, "MINTMARK_ADMIN_KEY_FILE": path}
        mintmark_of.variables |= {**files, "MINTMARK_ADMIN_PORT": "0", "MINTMARK_PORT": "0"}
        assert "admin_certificate_file, admin_key_file" in mintmark_of("serve", code=4).err


@pytest.fixture
def mintmark_of(redis: Shape, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys, {"MINTMARK_REDIS_URL": redis.url})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"admin_certificate_file": "/x"}, "go together"),
        ({"admin_key_file": "/x"}, "go together"),
        ({"admin_client_ca_file": "/x"}, "needs admin_certificate_file"),
    ],
)
def test_half_a_listener_is_refused(given: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        settings_for("redis://127.0.0.1", **given)
