"""Operators by client certificates, and the certificate that the admin API shows."""

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

from service.admin import audit
from service.app import open_issuer, serving
from service.fronts.admin_api.routes import PREFIX
from service.settings import SettingsError
from tests.certificates import key_usage
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape
from tests.world import settings_for

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
            .add_extension(key_usage(constraints.ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
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
