"""The examples of the RFCs, as far as they are about what is done here: verify, recognise, name a key."""

import json

import jwt
import pytest

from service.crypto.client_keys import parsed
from service.crypto.jws import UnverifiableError, checked_claims, parse
from service.crypto.key_material import algorithm_object, public_jwk
from service.protocol.names import SigningAlgorithm
from service.tokens.assertions import PLAIN_TYPES, read

CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
ES256_KEY = {
    **{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
ES256_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
HS256_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
HS256_SIGNATURE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ED25519_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RSA_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn"
    "64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9"
    "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)

RFC_7520_N = (
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwG"
    "U_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3u"
    "hGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHd"
    "rNP5zw"
)
RFC_7520_BODY = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5k"
    "IGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)
RFC_7520_SIGNATURE = (
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA"
    "78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQ"
    "dLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18"
    "kDquDg"
)


def test_es256_of_rfc_7515_a_3() -> None:
    """The signature holds, and so what is told is that its time is over (it says 2011)."""
    (key,) = parsed({"keys": [ES256_KEY]})
    with pytest.raises(UnverifiableError, match="expired"):
        checked_claims(parse(f"eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{ES256_SIGNATURE}", 9000), key.key, "ES256")
    assert (
        checked_claims(
            parse(f"eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{ES256_SIGNATURE.swapcase()[:-1]}Q", 9000), key.key, "ES256"
        )
        is None
    )


def test_hs256_of_rfc_7515_a_1() -> None:
    key = jwt.utils.base64url_decode(HS256_KEY)
    head = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    with pytest.raises(UnverifiableError, match="expired"):
        checked_claims(parse(f"{head}.{CLAIMS}.{HS256_SIGNATURE}", 9000), key, "HS256")
    assert checked_claims(parse(f"{head}.{CLAIMS}.{HS256_SIGNATURE}", 9000), b"x" * 64, "HS256") is None


def test_rs256_of_rfc_7520_4_1() -> None:
    """Not claims, but a sentence by Tolkien: the signature holds, and that is what is told."""
    (key,) = parsed({"keys": [{"kty": "RSA", "n": RFC_7520_N, "e": "AQAB", "kid": "bilbo.baggins@hobbiton.example"}]})
    head = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9"
    with pytest.raises(UnverifiableError, match="payload"):
        checked_claims(parse(f"{head}.{RFC_7520_BODY}.{RFC_7520_SIGNATURE}", 9000), key.key, "RS256")
    assert (
        checked_claims(parse(f"{head}.{RFC_7520_BODY}.{'A' + RFC_7520_SIGNATURE[1:]}", 9000), key.key, "RS256") is None
    )


def test_eddsa_of_rfc_8037_a_4() -> None:
    (key,) = parsed({"keys": [ED25519_KEY]})
    told = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    assert algorithm_object("EdDSA").verify(told, key.key, jwt.utils.base64url_decode(signature))


@pytest.mark.parametrize(
    ("jwk", "algorithm", "thumbprint"),
    [
        (
            {"kty": "RSA", "n": RSA_N, "e": "AQAB"},
            "RS256",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),  # RFC 7638 3.1
        (ED25519_KEY, "EdDSA", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),  # RFC 8037 A.3
    ],
)
def test_thumbprints_of_rfc_7638_and_rfc_8037(jwk: dict[str, str], algorithm: str, thumbprint: str) -> None:
    key = jwt.PyJWK(jwk | {"alg": algorithm}).key

    class Private:
        def public_key(self) -> object:
            return key

    assert public_jwk(Private(), SigningAlgorithm(algorithm))["kid"] == thumbprint  # type: ignore[arg-type]


def test_the_unsecured_jwt_of_rfc_7519_6_1_is_refused() -> None:
    with pytest.raises(UnverifiableError, match="must be signed"):
        read(f"eyJhbGciOiJub25lIn0.{CLAIMS}.", PLAIN_TYPES)
    assert json.loads(jwt.utils.base64url_decode("eyJhbGciOiJub25lIn0")) == {"alg": "none"}
