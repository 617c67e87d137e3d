"""A key's slot is the one that Redis takes it to be in."""

from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from service.redis.cluster import slot_of
from service.store.keys import Keys


@given(st.text(alphabet=st.sampled_from("{}ab:é"), max_size=12))
def test_braces_anywhere(key: str) -> None:
    assert slot_of(key) == key_slot(key.encode())


def test_all_keys_of_ours() -> None:
    for key in Keys().of_every_kind("some name"):
        assert slot_of(key) == key_slot(key.encode())
