"""Whether an authority that is trusted made a certificate: chains, purposes, forgeries, and a file that changes."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.crypto.client_authorities import ClientAuthorities
from service.crypto.client_certificates import UnusableCertificateError, opened
from service.protocol.forwarded_certificates import ClientCertificate
from tests.certificates import DAY, Authority, Shown, alternative, self_signed, small_rsa

ROOT, STRANGER = Authority("Root"), Authority("Root")
"""Two of the same name."""
BETWEEN = Authority("Between", above=ROOT)
LEAF = BETWEEN.issue(chain=(BETWEEN.certificate,))


@pytest.fixture
def authorities(tmp_path: Path) -> ClientAuthorities:
    return ClientAuthorities(ROOT.file(tmp_path))


def _verify(authorities: ClientAuthorities, shown: Shown, now: float | None = None) -> None:
    authorities.verify(shown.certificate, shown.parsed.chain, now or time.time())


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(ROOT.issue(), id="of the root"),
        pytest.param(LEAF, id="of one between, which came with it"),
        pytest.param(BETWEEN.issue(chain=(STRANGER.certificate, BETWEEN.certificate)), id="beside what leads nowhere"),
        pytest.param(ROOT.issue(usage=()), id="for any purpose"),
        pytest.param(ROOT.issue(usage=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)), id="for any purpose, said so"),
    ],
)
def test_what_is_trusted(authorities: ClientAuthorities, shown: Shown) -> None:
    _verify(authorities, shown)


SERVERS, CLIENTS = (ExtendedKeyUsageOID.SERVER_AUTH,), (ExtendedKeyUsageOID.CLIENT_AUTH,)
ANYTHING = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)


def _by(between: Authority, root: Authority = ROOT, **changes: Any) -> tuple[Authority, Shown]:
    return root, between.issue(chain=(between.certificate,), **changes)


def _small(above: Authority | None = None) -> Authority:
    return Authority("Small", above=above, key=small_rsa())


def _of_an_odd_root() -> tuple[Authority, Shown]:
    root = Authority("Odd", usage=SERVERS, digest="sha1")
    return _by(Authority("Between", above=root), root)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(_by(Authority("B", above=ROOT, usage=CLIENTS)), id="by one that makes such for clients"),
        pytest.param(_by(Authority("B", above=ROOT, usage=ANYTHING)), id="by one that makes such for anything"),
        pytest.param(_of_an_odd_root(), id="of a root, which is trusted whatever it says of itself"),
    ],
)
def test_chains_that_are_trusted(tmp_path: Path, made: tuple[Authority, Shown]) -> None:
    _verify(ClientAuthorities(made[0].file(tmp_path)), made[1])


RSA_ROOT = Authority("RSA", key=rsa.generate_private_key(65537, 2048))
WEAK_ROOT = _small()


@pytest.mark.parametrize(
    ("made", "why"),
    [
        pytest.param(_by(Authority("B", above=ROOT, usage=SERVERS)), "makes none for clients", id="one for servers"),
        pytest.param((ROOT, ROOT.issue(digest="sha1")), "SHA-1", id="its own signature"),
        pytest.param((RSA_ROOT, RSA_ROOT.issue(digest="md5")), "MD5", id="its own signature, by MD5"),
        pytest.param(_by(Authority("B", above=ROOT, digest="sha1")), "SHA-1", id="the signature of one between"),
        pytest.param(_by(_small(ROOT)), "fewer than 2048", id="the key of one between"),
        pytest.param((WEAK_ROOT, WEAK_ROOT.issue()), "fewer than 2048", id="the key of the root"),
    ],
)
def test_chains_with_a_weak_link(tmp_path: Path, made: tuple[Authority, Shown], why: str) -> None:
    with pytest.raises(UnusableCertificateError, match=why):
        _verify(ClientAuthorities(made[0].file(tmp_path)), made[1])


def _signed_by_a_client() -> Shown:
    client: Any = Authority("client", above=ROOT)
    client.certificate = ROOT.issue(key=client.key).certificate
    return client.issue(chain=(client.certificate,))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(self_signed(), id="self-signed"),
        pytest.param(STRANGER.issue(), id="of another authority of the same name"),
        pytest.param(STRANGER.issue(chain=(STRANGER.certificate,)), id="which came with it"),
        pytest.param(BETWEEN.issue(), id="a link is missing"),
        pytest.param(_signed_by_a_client(), id="of somebody who is no authority"),
        pytest.param(ROOT.issue(usage=(ExtendedKeyUsageOID.SERVER_AUTH,)), id="for servers"),
        pytest.param(ROOT.issue(begins=-2 * DAY, ends=-DAY), id="expired"),
    ],
)
def test_what_is_not(authorities: ClientAuthorities, shown: Shown) -> None:
    with pytest.raises(UnusableCertificateError):
        _verify(authorities, shown)


def test_what_was_verified_is_verified_again_where_authorities_or_time_have_changed(tmp_path: Path) -> None:
    path = ROOT.file(tmp_path)
    authorities, now = ClientAuthorities(path), time.time()

    def is_trusted(at: float) -> bool:
        try:
            return bool(authorities.names_in(LEAF.parsed, LEAF.certificate, at).subject)
        except UnusableCertificateError:
            return False

    assert [is_trusted(now), is_trusted(now + 59), is_trusted(now)] == [True] * 3
    assert not is_trusted(now + 10 * DAY.total_seconds())
    assert is_trusted(now)
    with pytest.raises(UnusableCertificateError):
        authorities.names_in(BETWEEN.issue().parsed, BETWEEN.issue().certificate, now)
    path.write_text(STRANGER.pem)
    assert not is_trusted(now)


def test_any_bit_that_is_turned_proves_nothing(authorities: ClientAuthorities) -> None:
    shown = ROOT.issue(names=(alternative("dns", "api.example"),))
    good, now = shown.der, time.time()
    for at in range(len(good)):
        turned = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        with pytest.raises(UnusableCertificateError):
            authorities.names_in(ClientCertificate(turned), opened(turned, now), now)


def test_what_came_with_it_may_be_no_certificate(authorities: ClientAuthorities) -> None:
    with pytest.raises(UnusableCertificateError, match="cannot be read"):
        authorities.verify(LEAF.certificate, (b"\x30\x82\x01",), time.time())


def test_an_authority_that_has_expired(authorities: ClientAuthorities) -> None:
    """The clock that is handed in counts."""
    with pytest.raises(UnusableCertificateError, match="expired"):
        _verify(authorities, LEAF, time.time() + 10 * DAY.total_seconds())


def test_one_between_in_the_file(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(ROOT.pem + BETWEEN.pem)
    _verify(ClientAuthorities(bundle), BETWEEN.issue())
    bundle.write_text(BETWEEN.pem)
    with pytest.raises(UnusableCertificateError):
        _verify(ClientAuthorities(bundle), BETWEEN.issue())  # only a root is an end of the chain


def test_a_file_that_changes_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = ROOT.file(tmp_path)
    authorities, other = ClientAuthorities(path), Authority("Other")
    new = tmp_path / "new.pem"
    new.write_text(other.pem)
    os.replace(new, path)
    _verify(authorities, other.issue())
    with pytest.raises(UnusableCertificateError):
        _verify(authorities, ROOT.issue())
    for broken in ("nonsense", "", other.pem[:-60]):
        path.write_text(broken)
        _verify(authorities, other.issue())
    path.unlink()
    _verify(authorities, other.issue())
    assert caplog.messages.count("files_unreadable") == 4
    path.write_text(ROOT.pem)
    _verify(authorities, ROOT.issue())
