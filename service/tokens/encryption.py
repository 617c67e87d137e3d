"""Encryption: JWTs and claims that we encrypt for a client, and JWTs that a client encrypted for us.

Keys are public keys, or the secret of a client that is kept so that it can be read again (client_secret_jwt).
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from service.crypto.client_keys import key_source
from service.crypto.jws import UnverifiableError
from service.crypto.key_material import UnusableKeyError
from service.issuer import Issuer
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.protocol.names import ClientAuthMethod, ContentEncryption, KeyManagement
from service.protocol.profiles import demands_of
from service.records.client import Client

if TYPE_CHECKING:
    from service.crypto.incoming_jwe import DecryptionKey, Jwe

_DOTS = 4
"""Dots in the compact form of a JWE (RFC 7516 section 9)."""


def encryption_metadata(issuer: Issuer, kind: str) -> dict[str, object]:
    """Return the members of discovery for a kind of response: id_token, userinfo, authorization or introspection."""
    return {
        f"{kind}_encryption_alg_values_supported": usable_by_clients(issuer, KeyManagement),
        f"{kind}_encryption_enc_values_supported": [one.value for one in ContentEncryption],
    }


def usable_by_clients(issuer: Issuer, algorithms: Iterable[KeyManagement]) -> list[str]:
    """Return the algorithms that clients can use here: by a secret, if any client may have one that can be read again."""
    methods = demands_of(issuer.settings.profile, None).auth_methods
    reads_secrets = bool(issuer.sealing.current) and (methods is None or ClientAuthMethod.CLIENT_SECRET_JWT in methods)
    return [one.value for one in algorithms if reads_secrets or not one.is_symmetric]


async def encrypted(
    issuer: Issuer,
    client: Client,
    content: str | bytes,
    algorithm: KeyManagement | None,
    encryption: ContentEncryption | None,
    *,
    iss: str = "",
) -> str:
    """Encrypt for a client, as it is registered; without an ``algorithm`` not at all.

    Args:
        issuer: Ours.
        client: The recipient.
        content: A JWT, or claims as JSON.
        algorithm: ``…_encrypted_response_alg`` of the client.
        encryption: ``…_encrypted_response_enc`` of the client.
        iss: The issuer in the header of the JWE, "" for none (RFC 7519 section 5.3).

    Raises:
        InvalidRequest: The client has no key for that, or no secret that we could read.
        TemporarilyUnavailable: Its keys cannot be fetched.
    """
    plain = content.encode() if isinstance(content, str) else content
    if algorithm is None:
        return plain.decode()
    from service.crypto.jwe import encrypt, shared_key  # a process that never encrypts does without joserfc

    enc = encryption or ContentEncryption.A128CBC_HS256
    if algorithm.is_symmetric:
        secret = next(_secrets(issuer, client), None)
        if secret is None:
            raise InvalidRequest(f"The client has no secret to encrypt by with {algorithm.value} (client_secret_jwt).")
        return encrypt(plain, shared_key(secret, algorithm, enc), algorithm, enc, iss)
    try:
        key = await issuer.client_keys.encryption_key(key_source(client), algorithm)
    except UnverifiableError as error:
        raise TemporarilyUnavailable(log=f"keys of the client: {error}") from error
    if key is None:
        raise InvalidRequest(f"The client has no public key to encrypt for by {algorithm.value} (jwks, jwks_uri).")
    return encrypt(plain, key, algorithm, enc, iss)


async def decrypted(issuer: Issuer, token: str, client: Client | None = None) -> str:
    """Return the content of a JWT that was encrypted for us; one that is not encrypted is returned as it is.

    Args:
        issuer: Ours.
        token: The JWT.
        client: The sender, None = not known: its secret is no key then.

    Raises:
        UnverifiableError: It cannot be decrypted. The error does not reveal what is wrong inside (RFC 7516 section 11.5).
        TemporarilyUnavailable: Redis is.
    """
    if token.count(".") != _DOTS:
        return token
    from service.crypto.incoming_jwe import decrypt, parse

    jwe = parse(token, issuer.settings.encryption_algorithms)
    for key in await _keys_for(issuer, jwe, client):
        content = decrypt(jwe, key)
        if content is not None:
            return _text(content)
    raise UnverifiableError("no key of ours decrypts it")


async def _keys_for(issuer: Issuer, jwe: "Jwe", client: Client | None) -> "list[DecryptionKey]":
    from service.crypto.incoming_jwe import symmetric_key

    if jwe.algorithm.is_symmetric:
        secrets = [] if client is None else _secrets(issuer, client)
        return [symmetric_key(secret, jwe.algorithm, jwe.encryption) for secret in secrets]
    keys = [] if issuer.keyring is None else await issuer.keyring.decryption_keys(jwe.algorithm, jwe.kid)
    return [*keys]


def _text(content: bytes) -> str:
    """Refuse a content that is no JWT: nothing else is encrypted. Raises UnverifiableError."""
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise UnverifiableError("there is no JWT in it") from error


def _secrets(issuer: Issuer, client: Client) -> Iterator[str]:
    """Yield the secrets of a client that can be read, the newest first. Raises TemporarilyUnavailable."""
    for secret in client.secrets:
        if secret.sealed:
            try:
                yield issuer.sealing.unseal_text(secret.sealed, secret.sealed_under, client.client_id)
            except UnusableKeyError as error:
                raise TemporarilyUnavailable(log=f"secret of the client: {error}") from error
