"""Certificates of clients and their authorities, valid and invalid ones."""

import datetime
import warnings
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientResponse
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from service.crypto.key_material import algorithm_object
from service.protocol.forwarded_certificates import ClientCertificate
from tests.world import FORM, World

COUNTRY, ORGANIZATION, UNIT, NAME = (
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COMMON_NAME,
)
DAY = datetime.timedelta(days=1)
Attribute = tuple[x509.ObjectIdentifier, str]
BILLING: tuple[Attribute, ...] = ((COUNTRY, "DE"), (ORGANIZATION, "Bank"), (NAME, "billing"))
"""The subject ``CN=billing,O=Bank,C=DE``."""
PROXIED: dict[str, Any] = {"trusted_proxies": ("127.0.0.1/32",), "forwarded_certificate": "rfc9440"}
"""Settings by which tests send certificates as a trusted proxy."""


def name(*parts: Attribute | tuple[Attribute, ...]) -> x509.Name:
    """Return a name in the order of the certificate; a part may have several attributes."""
    rdns = []
    for part in parts:
        several: Any = part if isinstance(part[0], tuple) else (part,)
        rdns.append(x509.RelativeDistinguishedName([x509.NameAttribute(oid, text) for oid, text in several]))
    return x509.Name(rdns)


def alternative(kind: str, text: Any) -> x509.GeneralName:
    """Return an alternative name; ``kind`` is dns, uri, ip or email."""
    kinds: dict[str, Any] = {
        "dns": x509.DNSName,
        "uri": x509.UniformResourceIdentifier,
        "ip": x509.IPAddress,
        "email": x509.RFC822Name,
    }
    made: x509.GeneralName = kinds[kind](text)
    return made


@dataclass
class Shown:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers by which a proxy forwards it (RFC 9440)."""
        chain = ", ".join(_byte_sequence(one.public_bytes(Encoding.DER)) for one in self.chain)
        return {"Client-Cert": _byte_sequence(self.der), **({"Client-Cert-Chain": chain} if chain else {})}

    @property
    def parsed(self) -> ClientCertificate:
        return ClientCertificate(self.der, tuple(one.public_bytes(Encoding.DER) for one in self.chain))

    @property
    def jwk(self) -> dict[str, Any]:
        """Return its public key with the certificate as a JWK (RFC 7517 section 4.7)."""
        algorithm = "ES256" if isinstance(self.key, ec.EllipticCurvePrivateKey) else "RS256"
        members = dict(algorithm_object(algorithm).to_jwk(self.key.public_key(), as_dict=True))
        return members | {"x5c": [b64encode(self.der).decode()]}

    def files(self, folder: Path, stem: str = "client") -> tuple[Path, Path]:
        """Write PEM files of the certificate (with its chain) and the key, and return their paths."""
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_text(
            "".join(one.public_bytes(Encoding.PEM).decode() for one in (self.certificate, *self.chain))
        )
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


def _byte_sequence(der: bytes) -> str:
    return f":{b64encode(der).decode()}:"


@dataclass
class Authority:
    """A certificate authority.

    ``above`` is the authority that issued its certificate, None for a root. ``usage`` and ``digest`` are those of its own
    certificate.
    """

    title: str = "Authority"
    above: "Authority | None" = None
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    usage: tuple[x509.ObjectIdentifier, ...] = ()
    digest: str = "sha256"
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        subject = name((NAME, self.title))
        maker = self.above or self
        issuer = subject if self.above is None else self.above.certificate.subject
        own: dict[str, Any] = {"usage": self.usage, "digest": self.digest, "is_authority": True}
        self.certificate = _made(subject, issuer, self.key, maker.key, **own)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def file(self, folder: Path, stem: str = "authority") -> Path:
        path = folder / f"{stem}.pem"
        path.write_text(self.pem)
        return path

    def issue(self, *parts: Any, chain: tuple[x509.Certificate, ...] = (), **changes: Any) -> Shown:
        """Issue a certificate for the subject of these parts, by default ``BILLING``."""
        key = changes.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
        subject = name(*(parts or BILLING))
        return Shown(_made(subject, self.certificate.subject, key, self.key, **changes), key, chain)


def self_signed(*parts: Any, **changes: Any) -> Shown:
    """Make a self-signed certificate."""
    key = changes.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
    subject = name(*(parts or BILLING))
    return Shown(_made(subject, subject, key, key, **changes), key)


def small_rsa() -> Any:
    return rsa.generate_private_key(65537, 1024)


def _made(
    subject: x509.Name,
    issuer: x509.Name,
    key: Any,
    signing_key: Any,
    *,
    begins: datetime.timedelta = -DAY,
    ends: datetime.timedelta = DAY,
    names: tuple[x509.GeneralName, ...] = (),
    usage: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,),
    digest: str = "sha256",
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .add_extension(key_usage(is_authority), critical=True)
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(signing_key, hashes.SHA256())
    return made if digest == "sha256" else _signed_anew(made, signing_key, digest)


def _signed_anew(certificate: x509.Certificate, key: Any, digest: str) -> x509.Certificate:
    """Sign a certificate anew with a hash that cryptography still verifies but does not sign with."""
    signed = crypto.X509.from_cryptography(certificate)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        signed.sign(crypto.PKey.from_cryptography_key(key), digest)
    return signed.to_cryptography()


def key_usage(is_authority: bool) -> x509.KeyUsage:
    """Return the key usage that Python 3.13 requires, as it verifies strictly (RFC 5280)."""
    others = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    others |= {"encipher_only": False, "decipher_only": False}
    return x509.KeyUsage(digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, **others)


async def ask(
    world: World, path: str, shown: Shown | None = None, headers: dict[str, str] | None = None, **form: str
) -> ClientResponse:
    """POST a form with ``client_id`` and other parameters, with this certificate."""
    sent = {"Content-Type": FORM, **(shown.headers if shown else {}), **(headers or {})}
    return await world.http.post(path, data=urlencode(form), headers=sent)


async def ask_token(world: World, shown: Shown | None = None, **form: str) -> ClientResponse:
    """Make a token request, by default for client_credentials."""
    wished = {"client_id": "app", "grant_type": "client_credentials"} | form
    return await ask(world, "/token", shown, None, **{name: text for name, text in wished.items() if text})
