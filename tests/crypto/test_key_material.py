"""Signatures are those of PyJWT, however many leading zeros their halves have."""

import pytest

from service.crypto.key_material import UnusableKeyError, algorithm_object, generate, is_signed, signer
from service.protocol.names import SigningAlgorithm


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_pyjwt_verifies_every_signature(algorithm: SigningAlgorithm) -> None:
    key = generate(algorithm, 2048)
    lengths = set()
    for number in range(20 if algorithm.value.endswith("S256") and algorithm.value[0] in "RP" else 1500):
        signing_input = f"header.{number}".encode()
        made = signer(algorithm, key)(signing_input)
        lengths.add(len(made))
        assert algorithm_object(algorithm.value).verify(signing_input, key.public_key(), made)
        assert is_signed(algorithm.value, key.public_key(), signing_input, made)
    assert len(lengths) == 1


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_no_other_signature_holds(algorithm: SigningAlgorithm) -> None:
    key, other = generate(algorithm, 2048), generate(algorithm, 2048)
    made = signer(algorithm, key)(b"input")
    for wrong in (b"", b"\x00" * len(made), made[:-1], made + b"\x00", bytes([made[0] ^ 1]) + made[1:]):
        assert not is_signed(algorithm.value, key.public_key(), b"input", wrong)
    assert not is_signed(algorithm.value, key.public_key(), b"another", made)
    assert not is_signed(algorithm.value, other.public_key(), b"input", made)


def test_a_key_on_another_curve_signs_nothing() -> None:
    """Its signature would have halves of another length."""
    with pytest.raises(UnusableKeyError, match=r"ES256 .* secp384r1"):
        signer(SigningAlgorithm.ES256, generate(SigningAlgorithm.ES384, 2048))
