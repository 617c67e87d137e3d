"""Which clients know a person by the same pairwise subject."""

import pytest

from service.protocol import redirect_uris
from service.protocol.sectors import own_sector, say_the_host, sector_of

VICTIM = "https://victim.example/cb"
OWN = own_sector("mine")


@pytest.mark.parametrize(
    ("uris", "sector"),
    [
        ((VICTIM,), "victim.example"),
        (("https://VICTIM.example:8443/cb", VICTIM), "victim.example"),
        (("HTTPS://victim.example/cb",), "victim.example"),
        (("com.evil.app://victim.example/cb",), OWN),
        (("com.evil.app:/cb",), OWN),
        (("com.evil.app://victim.example/cb", "org.evil://other.example"), OWN),
        (("http://127.0.0.1/cb",), OWN),
        (("http://localhost:3000/cb", "http://[::1]/cb"), OWN),
        ((VICTIM, "com.evil.app:/cb"), OWN),
        ((VICTIM, "http://127.0.0.1/cb"), OWN),
        ((VICTIM, "com.evil.app://victim.example/cb"), OWN),
        ((), OWN),
    ],
)
def test_only_the_host_of_https_stands_for_a_client(uris: tuple[str, ...], sector: str) -> None:
    for uri in uris:
        redirect_uris.check_registrable(uri)
    assert sector_of("mine", uris) == sector
    assert say_the_host(uris) == (sector != OWN)


def test_several_hosts_are_no_sector() -> None:
    for further in ((), ("com.evil.app:/cb",)):
        with pytest.raises(ValueError, match="several hosts"):
            sector_of("mine", (VICTIM, "https://other.example/cb", *further))


def test_no_client_id_is_the_host_of_others() -> None:
    assert own_sector("victim.example") == "client:victim.example"
    assert sector_of("victim.example", ()) != sector_of("x", (VICTIM,))


@pytest.mark.parametrize(
    "uri",
    [
        "https://victim.example@evil.example/cb",
        "https://victim.example%40evil.example/cb",
        "https://evil.example\\@victim.example/cb",
        "https://victim.example./cb",
        "https://víctim.example/cb",
        "https://victim%2Eexample/cb",
        "https://victim.example:443@evil.example/cb",
    ],
)
def test_hosts_that_others_read_otherwise_are_not_registered(uri: str) -> None:
    """Neither as a redirect URI nor, by the same check, as a sector_identifier_uri."""
    with pytest.raises(ValueError, match=r".+"):
        redirect_uris.check_registrable(uri)
