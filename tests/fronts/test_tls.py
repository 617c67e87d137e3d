"""Our own TLS: certificates that change without a restart, clients that show any certificate, and what is no TLS."""

import asyncio
import logging
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

from service.app import open_issuer, serving
from service.crypto.client_certificates import UnusableCertificateError, opened
from service.fronts.any_certificate import AnyCertificate
from service.fronts.probe import main as probe
from service.settings import SettingsError
from tests.certificates import NAME, Authority, Shown, alternative, self_signed
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, settings_for

OURS = Authority("Ours")


def server(title: str = "server") -> Shown:
    """A certificate for this machine."""
    from cryptography.x509.oid import ExtendedKeyUsageOID

    names = (alternative("dns", "localhost"),)
    return OURS.issue((NAME, title), names=names, usage=(ExtendedKeyUsageOID.SERVER_AUTH,))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    certificate, key = server().files(tmp_path, "server")
    return {"tls_certificate_file": certificate, "tls_key_file": key}


def trusting(folder: Path, shown: Shown | None = None, **limits: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=OURS.file(folder, "trusted"))
    if shown is not None:
        context.load_cert_chain(*shown.files(folder, "shown"))
    for name, value in limits.items():
        setattr(context, name, value)
    return context


async def subject_at(port: int, context: ssl.SSLContext) -> str:
    """What the server there is called."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    certificate: Any = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    return str(dict(part[0] for part in certificate["subject"])["commonName"])


@asynccontextmanager
async def served(redis: Shape, **settings: Any) -> AsyncIterator[World]:
    async with open_issuer(settings_for(redis.url, **settings)) as issuer, serving(issuer):
        yield World(issuer, None, redis)  # type: ignore[arg-type]


@pytest.mark.parametrize("asks", [False, True])
async def test_a_certificate_that_changes_is_shown_without_a_restart(
    redis: Shape, files: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, asks: bool
) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    context = trusting(tmp_path)
    async with served(redis, port=port, mtls_port=port if asks else None, **files):
        assert await subject_at(port, context) == "server"
        new = [path.rename(tmp_path / f"new-{path.name}") for path in server("renewed").files(tmp_path, "renewed")]
        os.replace(new[0], files["tls_certificate_file"])
        assert await subject_at(port, context) == "server", "a certificate whose key is not there yet"
        assert "files_unreadable" in caplog.messages
        os.replace(new[1], files["tls_key_file"])
        assert await subject_at(port, context) == "renewed"
        files["tls_key_file"].write_text("nonsense")
        assert await subject_at(port, context) == "renewed"
    assert caplog.messages.count("files_reloaded") == 1


async def test_only_one_of_two_listeners_asks(redis: Shape, files: dict[str, Any], tmp_path: Path) -> None:
    port, mtls_port = free_port(), free_port()
    asked: dict[int, bool] = {}
    async with served(redis, port=port, mtls_port=mtls_port, **files):
        for one in (port, mtls_port):
            command = ("openssl", "s_client", "-connect", f"localhost:{one}", "-CAfile", str(OURS.file(tmp_path)))
            silent, heard = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stdin=silent, stdout=heard, stderr=silent)
            said, _ = await process.communicate()
            assert b"Verify return code: 0 (ok)" in said
            asked[one] = b"No client certificate CA names sent" in said and b"Client Certificate Types" in said
            asked[one] = asked[one] or b"Requested Signature Algorithms" in said
    assert asked == {port: False, mtls_port: True}


async def _echo(http: web.BaseRequest) -> web.Response:
    connection: Any = http.transport and http.transport.get_extra_info("ssl_object")
    return web.Response(body=b"%d " % len(connection.client_certificates) + await http.read())


async def _exchanged(context: ssl.SSLContext, port: int, size: int) -> bytes:
    """The answers to three requests on one connection, and its end."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    answers = b""
    for last in (False, False, True):
        ending = b"close" if last else b"keep-alive"
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: %b\r\nContent-Length: %d\r\n\r\n" % (ending, size))
        writer.write(b"x" * size)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        answers += (await reader.readexactly(2 + size))[:2]
    assert await reader.read() == b""
    writer.close()
    return answers


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_any_certificate_on_each_event_loop(files: dict[str, Any], tmp_path: Path, run: Any, version: Any) -> None:
    """One that nobody made, one that has a chain, none; and bodies beyond one record, one read and one buffer."""
    between = Authority("Between", above=OURS)

    async def body() -> None:
        runner = web.ServerRunner(web.Server(_echo, client_max_size=10**7))
        await runner.setup()
        port = free_port()
        context = AnyCertificate(files["tls_certificate_file"], files["tls_key_file"])
        await web.TCPSite(runner, "localhost", port, ssl_context=context).start()
        chained = between.issue(chain=(between.certificate,))
        for one, seen in ((None, b"0 "), (self_signed(), b"1 "), (chained, b"2 ")):
            client = trusting(tmp_path, one, minimum_version=version, maximum_version=version)
            for size in (0, 1, 16_384, 1_000_000):
                assert await _exchanged(client, port, size) == seen * 3
        await runner.cleanup()

    run(body())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_only_openssl_can_read(
    files: dict[str, Any], tmp_path: Path, version: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What it proves is for those to say who look at it; the connection is one like any other."""
    shown = self_signed()
    odd = shown.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)  # the sixth version of X.509
    with pytest.raises(UnusableCertificateError):
        opened(odd, time.time())
    certificate, key = shown.files(tmp_path, "odd")
    certificate.write_text(ssl.DER_cert_to_PEM_cert(odd))
    client = trusting(tmp_path, None, minimum_version=version, maximum_version=version)
    client.load_cert_chain(certificate, key)
    runner = web.ServerRunner(web.Server(_echo))
    await runner.setup()
    port = free_port()
    context = AnyCertificate(files["tls_certificate_file"], files["tls_key_file"])
    await web.TCPSite(runner, "localhost", port, ssl_context=context).start()
    assert await _exchanged(client, port, 1) == b"1 " * 3
    await runner.cleanup()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_what_is_no_tls_or_breaks_off_does_no_harm(redis: Shape, files: dict[str, Any], tmp_path: Path) -> None:
    port = free_port()
    async with served(redis, port=port, mtls_port=port, **files):
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 2000, b"\x16", b""):
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(sent)
            if len(sent) < 5:
                writer.close()
            else:
                assert not (await reader.read()).startswith(b"HTTP")
                writer.close()
        old = trusting(tmp_path)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, OSError)):
            await subject_at(port, old)
        other = self_signed()
        context = trusting(tmp_path, self_signed())
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        transport: Any = writer.transport
        transport.abort()
        stolen = ssl.create_default_context(cafile=OURS.file(tmp_path, "trusted"))
        pem, _ = other.files(tmp_path, "stolen")
        _, key = self_signed().files(tmp_path, "mine")
        with pytest.raises(ssl.SSLError):
            stolen.load_cert_chain(pem, key)  # OpenSSL itself shows no certificate whose key it does not have
        assert await subject_at(port, trusting(tmp_path)) == "server"


async def test_the_probe_of_the_image_speaks_tls(
    redis: Shape, files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    variables = {"MINTMARK_HOST": "127.0.0.1", "MINTMARK_PORT": str(port)}
    for name, value in (variables | {"MINTMARK_TLS_CERTIFICATE_FILE": str(files["tls_certificate_file"])}).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(probe) == 1
    async with served(redis, port=port, **files):
        assert await asyncio.to_thread(probe) == 0


@pytest.mark.parametrize("named", ["tls_certificate_file", "tls_key_file", "client_ca_file"])
@pytest.mark.parametrize("mtls", [False, True])
async def test_files_that_are_nothing_of_the_kind(
    redis: Shape, files: dict[str, Any], tmp_path: Path, named: str, mtls: bool
) -> None:
    proxied = {"forwarded_certificate": "nginx", "trusted_proxies": ("10.0.0.0/8",)}
    settings = {"port": 0, "mtls_port": 0 if mtls else None, **files, "client_ca_file": OURS.file(tmp_path), **proxied}
    nonsense = tmp_path / "nonsense"
    for make in (lambda: None, lambda: nonsense.write_text("nonsense")):
        make()
        with pytest.raises(SettingsError, match=named):
            async with served(redis, **(settings | {named: nonsense})):
                pass
