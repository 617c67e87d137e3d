"""Nonces that nobody stores: the same for everyone with the same secret, for a while."""

from service.crypto.dpop_nonces import DpopNonces

NOW = 1_800_000_000.0


def test_a_nonce_counts_until_the_one_after_it_is_replaced() -> None:
    nonces = DpopNonces([b"secret"], 300)
    nonce = nonces.current(NOW)
    assert DpopNonces([b"secret"], 300).current(NOW + 299.9) == nonce, "another process has the same"
    assert nonces.is_ours(nonce, NOW)
    assert nonces.is_ours(nonce, NOW + 599)
    assert not nonces.is_ours(nonce, NOW + 600)
    assert nonces.is_ours(nonce, NOW - 1), "the clock of who made it was ahead"
    assert not nonces.is_ours(nonce, NOW - 301)
    assert nonces.ends_at(NOW) >= NOW + 900, "what is used by it is remembered for as long as it counts"


def test_nonces_differ_by_time_and_secret() -> None:
    secrets = ([b"a"], [b"b"], [b"b", b"a"])
    assert len({DpopNonces(one, 300).current(NOW) for one in secrets}) == 2
    assert DpopNonces([b"a"], 300).current(NOW) != DpopNonces([b"a"], 300).current(NOW + 300)
    for forged in ("", "A" * 22):
        assert not DpopNonces([b"a"], 300).is_ours(forged, NOW)


def test_a_rotation_of_secrets_refuses_nothing() -> None:
    old, both = DpopNonces([b"old"], 300), DpopNonces([b"new", b"old"], 300)
    assert both.is_ours(old.current(NOW), NOW)
    assert both.current(NOW) == DpopNonces([b"new"], 300).current(NOW)
    assert not old.is_ours(both.current(NOW), NOW)
