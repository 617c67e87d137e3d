"""DPoP proofs: the vectors of RFC 9449, and the memory of keys."""

from typing import Any

import pytest

from service.crypto.dpop_proofs import DpopProof, DpopProofs, access_token_hash, check_age, check_times
from service.crypto.jws import UnverifiableError
from service.crypto.key_material import generate
from service.protocol.names import SigningAlgorithm
from tests.dpop import MEMBERS_OF_ITS_KEY, STRANGE, TOKEN_URL, Prover

HEAD = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFV"
    "ZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
"""Figure 9."""
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
FIGURE_2 = (
    f"{HEAD}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0"
    "IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
FIGURE_7 = (
    f"{HEAD}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0"
    "IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA"
)
FIGURE_13 = (
    f"{HEAD}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRy"
    "ZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrt"
    "NP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


async def verified(
    proofs: DpopProofs, text: str, method: str = "POST", url: str = "https://server.example.com/token"
) -> DpopProof:
    return await proofs.verify(text, method=method, url=url, algorithms=("ES256",))


@pytest.mark.parametrize(("text", "issued_at"), [(FIGURE_2, 1562262616), (FIGURE_7, 1562265296)])
async def test_the_token_requests_of_the_rfc(text: str, issued_at: int) -> None:
    proof = await verified(DpopProofs(), text)
    assert (proof.jkt, proof.jti, proof.issued_at, proof.nonce) == (JKT, "-BwC3ESc6acc2lTc", issued_at, "")


async def test_the_resource_request_of_the_rfc() -> None:
    """Figures 13 and 14."""
    assert access_token_hash(ACCESS_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    resource: dict[str, Any] = {
        "method": "GET",
        "url": "https://resource.example.org/protectedresource?a=b",
        "algorithms": ("ES256",),
    }
    assert (await DpopProofs().verify(FIGURE_13, access_token=ACCESS_TOKEN, **resource)).jkt == JKT
    with pytest.raises(UnverifiableError, match="ath"):
        await DpopProofs().verify(FIGURE_13, access_token=ACCESS_TOKEN + "x", **resource)
    with pytest.raises(UnverifiableError, match="ath"):
        await DpopProofs().verify(
            FIGURE_2,
            access_token=ACCESS_TOKEN,
            method="POST",
            url="https://server.example.com/token",
            algorithms=("ES256",),
        )


async def test_every_character_of_a_proof_counts() -> None:
    """Also where its key is known: no other spelling, no other signature."""
    proofs = DpopProofs()
    await verified(proofs, FIGURE_2)
    for place in range(len(FIGURE_2)):
        other = "A" if FIGURE_2[place] != "A" else "B"
        with pytest.raises(UnverifiableError):
            await verified(proofs, FIGURE_2[:place] + other + FIGURE_2[place + 1 :])
    for text in (FIGURE_2 + "=", FIGURE_2 + "\n", " " + FIGURE_2, FIGURE_2 + ".", FIGURE_2.rpartition(".")[0]):
        with pytest.raises(UnverifiableError):
            await verified(proofs, text)


async def test_a_key_is_remembered_by_a_proof_that_holds_only() -> None:
    proofs, prover = DpopProofs(), Prover()
    url = "https://server.example.com/token"
    with pytest.raises(UnverifiableError):
        await verified(proofs, prover.proof(url=url)[:-4] + "AAAA")
    assert len(proofs._keys) == 0
    for _ in range(3):
        assert (await verified(proofs, prover.proof(url=url))).jkt == prover.jkt
    assert len(proofs._keys) == 1
    with pytest.raises(UnverifiableError, match="signed with ES256, not with PS256"):
        await proofs.verify(prover.proof(url=url), method="POST", url=url, algorithms=("PS256",))


async def test_a_proof_for_no_url_fits_none() -> None:
    """Neither where the URL of the request is not known."""
    with pytest.raises(UnverifiableError, match="htu"):
        await verified(DpopProofs(), Prover().proof(url=""), url="")


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("member", MEMBERS_OF_ITS_KEY)
async def test_a_key_with_a_strange_member_is_refused(member: str, value: object) -> None:
    prover = Prover()
    with pytest.raises(UnverifiableError, match="its jwk is no public key for its alg"):
        await verified(DpopProofs(), prover.proof(header={"jwk": prover.jwk | {member: value}}), url=TOKEN_URL)


async def test_members_that_no_elliptic_curve_key_has_are_ignored() -> None:
    prover = Prover()
    jwk = prover.jwk | {"n": 5, "e": [], "kid": {}, "alg": "ES256", "use": "sig"}
    assert (await verified(DpopProofs(), prover.proof(header={"jwk": jwk}), url=TOKEN_URL)).jkt == prover.jkt


async def test_memory_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.crypto.dpop_proofs._CACHED", 3)
    proofs = DpopProofs()
    for _ in range(5):
        await verified(proofs, Prover().proof(url="https://server.example.com/token"))
    assert len(proofs._keys) == 3


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
async def test_each_algorithm(algorithm: SigningAlgorithm) -> None:
    prover = Prover(algorithm.value, generate(algorithm, 2048))
    proof = await DpopProofs().verify(
        prover.proof(), method="POST", url="http://127.0.0.1:8080/token", algorithms=(algorithm,)
    )
    assert proof.jkt == prover.jkt


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({"iat": 1000}, True),
        ({"iat": 880}, True),
        ({"iat": 879}, False),
        ({"iat": 1030}, True),
        ({"iat": 1031}, False),
        ({"iat": 999.5}, True),
        ({"iat": -1e300}, False),
        ({"iat": 1e300}, False),
    ],
)
def test_the_age_of_a_proof(claims: dict[str, object], is_good: bool) -> None:
    proof = DpopProof("k", "1", claims["iat"], "", "ES256", claims)  # type: ignore[arg-type]
    if is_good:
        assert check_age(proof, 1000.0, 120) > proof.issued_at + 120
    else:
        with pytest.raises(UnverifiableError):
            check_age(proof, 1000.0, 120)


@pytest.mark.parametrize(
    ("claims", "is_good"),
    [
        ({}, True),
        ({"exp": 1001, "nbf": 999}, True),
        ({"exp": 990, "nbf": 1030}, True),
        ({"exp": 989}, False),
        ({"nbf": 1031}, False),
        ({"exp": "soon"}, False),
        ({"exp": None}, False),
        ({"nbf": True}, False),
    ],
)
def test_the_times_of_a_proof(claims: dict[str, object], is_good: bool) -> None:
    proof = DpopProof("k", "1", 1, "", "ES256", claims)
    if is_good:
        check_times(proof, 1000.0)
    else:
        with pytest.raises(UnverifiableError):
            check_times(proof, 1000.0)
