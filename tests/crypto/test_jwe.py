"""Which of a client's keys is encrypted for; what is none is passed over, whatever is wrong with it."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from service.crypto.client_keys import usable_for_encryption
from service.crypto.jwe import _imported, key_for
from service.protocol.credentials import base64url
from service.protocol.names import KeyManagement

RSA, EC = RSAKey.generate_key(2048).as_dict(private=False), ECKey.generate_key("P-256").as_dict(private=False)
ECDH, OAEP = KeyManagement.ECDH_ES, KeyManagement.RSA_OAEP_256


def chosen(algorithm: KeyManagement, *members: object) -> str | None:
    found = key_for(usable_for_encryption({"keys": list(members)}), algorithm)
    return None if found is None else found.kid


def test_one_for_encryption_comes_before_one_for_anything() -> None:
    for_all, for_us = {**EC, "kid": "all"}, {**EC, "kid": "enc", "use": "enc"}
    assert chosen(ECDH, for_all, for_us) == "enc"
    assert chosen(ECDH, for_all) == "all"
    assert chosen(ECDH, {**EC, "kid": "sig", "use": "sig"}, for_all) == "all"


def test_it_must_be_for_the_algorithm() -> None:
    assert chosen(OAEP, {**EC, "kid": "ec"}) is None
    assert chosen(ECDH, {**RSA, "kid": "rsa"}) is None
    assert chosen(ECDH, {**EC, "kid": "other", "alg": "ECDH-ES+A256KW"}) is None
    assert chosen(ECDH, {**EC, "kid": "sig", "alg": "ES256"}, {**EC, "kid": "this", "alg": "ECDH-ES"}) == "this"


def test_keys_of_every_kind_that_can_be_used() -> None:
    for curve in ("P-256", "P-384", "P-521"):
        assert chosen(ECDH, {**ECKey.generate_key(curve).as_dict(private=False), "kid": curve}) == curve
    assert chosen(ECDH, {**OKPKey.generate_key("X25519").as_dict(private=False), "kid": "X25519"}) == "X25519"
    assert chosen(OAEP, {**RSA, "kid": "RSA"}) == "RSA"


def _off_the_curve() -> dict[str, Any]:
    return {**EC, "y": EC["x"]}


@pytest.mark.parametrize(
    "member",
    [
        None,
        7,
        [],
        "x",
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {**EC, "use": "sig"},
        {**EC, "use": 7},
        {**EC, "kid": 7},
        {**EC, "crv": "secp256k1"},
        {**EC, "crv": "P-999"},
        {**EC, "x": "%"},
        {**EC, "x": ["a"]},
        {name: EC[name] for name in ("kty", "crv", "x")},
        _off_the_curve(),
        {**RSA, "n": "AQAB"},
        {**RSA, "n": ""},
        {**RSA, "e": "AAAA"},
        {**RSA, "e": RSA["n"]},
        RSAKey.generate_key(1024).as_dict(private=False),
        OKPKey.generate_key("Ed25519").as_dict(private=False),
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": base64url(bytes(32))},
        {"kty": "OKP", "crv": "X25519", "x": base64url(b"\1" + bytes(31))},
    ],
)
def test_what_is_no_key_to_encrypt_for_is_passed_over(member: object) -> None:
    assert chosen(ECDH, member) is None
    assert chosen(OAEP, member) is None


def test_what_is_too_long_for_any_key_is_not_remembered() -> None:
    before = _imported.cache_info().currsize
    for name in ("x", "y", "crv"):
        assert chosen(ECDH, {**EC, name: "A" * 684}) is None
    assert _imported.cache_info().currsize == before
