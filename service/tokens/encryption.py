"""What is for one client's eyes: a JWT that we signed, or claims, encrypted for its key where it is registered so."""

from service.crypto.client_keys import key_source
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.errors import InvalidRequest, TemporarilyUnavailable
from service.protocol.names import ContentEncryption, KeyManagement
from service.records.client import Client


def encryption_metadata(kind: str) -> dict[str, object]:
    """Return the members of discovery for a kind of response: id_token, userinfo, authorization or introspection."""
    return {
        f"{kind}_encryption_alg_values_supported": [one.value for one in KeyManagement],
        f"{kind}_encryption_enc_values_supported": [one.value for one in ContentEncryption],
    }


async def encrypted(
    issuer: Issuer,
    client: Client,
    content: str | bytes,
    algorithm: KeyManagement | None,
    encryption: ContentEncryption | None,
) -> str:
    """Encrypt for a client, as it is registered; no ``algorithm``: not at all.

    Args:
        issuer: Ours.
        client: The recipient.
        content: A JWT, or claims as JSON.
        algorithm: ``…_encrypted_response_alg`` of the client.
        encryption: ``…_encrypted_response_enc`` of the client.

    Raises:
        InvalidRequest: The client shows no key for that.
        TemporarilyUnavailable: Its keys cannot be fetched.
    """
    plain = content.encode() if isinstance(content, str) else content
    if algorithm is None:
        return plain.decode()
    from service.crypto.jwe import encrypt  # a process that encrypts for nobody does without joserfc

    try:
        key = await issuer.client_keys.encryption_key(key_source(client), algorithm)
    except UnverifiableError as error:
        raise TemporarilyUnavailable(log=f"keys of the client: {error}") from error
    if key is None:
        raise InvalidRequest(f"The client has no public key to encrypt for by {algorithm.value} (jwks, jwks_uri).")
    return encrypt(plain, key, algorithm, encryption or ContentEncryption.A128CBC_HS256)
