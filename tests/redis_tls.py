"""Redis with TLS: a server that supports it, and certificates for it and its clients."""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.dev.embedded_redis import (
    find_redis_server,
)
from tests.free_ports import HOST


class TlsUnsupported(RuntimeError):
    """No redis-server on this machine was built with TLS."""


@dataclass(frozen=True)
class Certificates:
    """PEM files of an authority, and of a server's (localhost, 127.0.0.1) and a client's certificate signed by it."""

    authority: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path


@functools.cache
def supports_tls(server: Path) -> bool:
    """Whether a server was built with TLS, in which case it complains about its missing certificate here."""
    answer = subprocess.run(
        [server, "--port", "0", "--tls-port", "1"], capture_output=True, check=False, timeout=5, text=True
    )
    said = answer.stdout + answer.stderr
    return "Bad directive" not in said and "Failed finding TLS support" not in said  # Redis, Valkey


def tls_server() -> Path:
    """Return the found redis-server if it supports TLS, otherwise the first on PATH that does. Raises TlsUnsupported."""
    on_path = [Path(folder) / "redis-server" for folder in os.get_exec_path()]
    for server in [find_redis_server(), *on_path]:
        if os.access(server, os.X_OK) and supports_tls(server):
            return server
    raise TlsUnsupported("no redis-server here was built with TLS (Debian's is: apt-get install redis-server)")


def tls_is_available() -> bool:
    """Whether there is a server with TLS, for skipif."""
    with contextlib.suppress(TlsUnsupported):
        return bool(tls_server())
    return False


def issue_certificates(home: Path) -> Certificates:
    """Write a new authority with a server's and a client's certificate, valid for a day."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign("Mintmark tests", authority_key, "Mintmark tests", authority_key, authority=True)
    files = {"authority": _pem(authority)}
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        files[f"{name}_certificate"] = _pem(_sign(name, key, "Mintmark tests", authority_key))
        files[f"{name}_key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    paths = {name: home / f"{name}.pem" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    return Certificates(**paths)


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"crl_sign": False, "encipher_only": False, "decipher_only": False}
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=authority, **usage), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def tls_arguments(port: int, certificates: Certificates, require_client_certificate: bool) -> list[str]:
    files = {
        "cert": certificates.server_certificate,
        "key": certificates.server_key,
        "ca-cert": certificates.authority,
    }
    options = [word for name, path in files.items() for word in (f"--tls-{name}-file", str(path))]
    ask = "yes" if require_client_certificate else "optional"
    return ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", ask, *options]


def tls_connection(certificates: Certificates) -> dict[str, Any]:
    return {
        "ssl": True,
        "ssl_ca_certs": str(certificates.authority),
        "ssl_certfile": str(certificates.client_certificate),
        "ssl_keyfile": str(certificates.client_key),
    }
