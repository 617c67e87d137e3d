"""Nonces that nobody stores: the same for everyone with the same secret, for a while."""

from service.crypto.dpop_nonces import DpopNonces

NOW = 1_800_000_000.0


def test_a_nonce_counts_until_the_one_after_it_is_replaced() -> None:
    nonces = DpopNonces([b"secret"], 300)
    nonce = nonces.current(NOW)
    assert DpopNonces([b"secret"], 300).current(NOW + 299.9) == nonce, "another process has the same"
    for now in (NOW - 1, NOW, NOW + 599):  # the first: the clock of who made it was ahead
        assert nonces.end_of(nonce, now) == NOW + 600, "what is used by it is remembered for as long as it counts"
    for now in (NOW - 301, NOW + 600):
        assert nonces.end_of(nonce, now) is None


def test_nonces_differ_by_time_and_secret() -> None:
    secrets = ([b"a"], [b"b"], [b"b", b"a"])
    assert len({DpopNonces(one, 300).current(NOW) for one in secrets}) == 2
    assert DpopNonces([b"a"], 300).current(NOW) != DpopNonces([b"a"], 300).current(NOW + 300)
    for forged in ("", "A" * 22):
        assert DpopNonces([b"a"], 300).end_of(forged, NOW) is None


def test_a_rotation_of_secrets_refuses_nothing() -> None:
    old, both = DpopNonces([b"old"], 300), DpopNonces([b"new", b"old"], 300)
    assert both.end_of(old.current(NOW), NOW)
    assert both.current(NOW) == DpopNonces([b"new"], 300).current(NOW)
    assert old.end_of(both.current(NOW), NOW) is None
