"""Signatures are those of PyJWT, however many leading zeros their halves have."""

import pytest

from service.crypto.key_material import algorithm_object, generate, signature
from service.protocol.names import SigningAlgorithm


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_pyjwt_verifies_every_signature(algorithm: SigningAlgorithm) -> None:
    key = generate(algorithm, 2048)
    lengths = set()
    for number in range(20 if algorithm.value.endswith("S256") and algorithm.value[0] in "RP" else 1500):
        signing_input = f"header.{number}".encode()
        made = signature(algorithm, key, signing_input)
        lengths.add(len(made))
        assert algorithm_object(algorithm.value).verify(signing_input, key.public_key(), made)
    assert len(lengths) == 1
