"""Settings as requests read them are the settings."""

from functools import cached_property

import pytest

from service.settings import Settings
from service.settings.plain import changed, plain
from tests.world import settings_for


def test_everything_is_there() -> None:
    settings = settings_for("redis://127.0.0.1:1", trusted_proxies=("10.0.0.0/8",))
    made = plain(settings)
    derived = {
        name for kind in Settings.__mro__ for name, one in vars(kind).items() if isinstance(one, cached_property)
    }
    assert derived
    for name in (*Settings.model_fields, *derived, "model_fields_set"):
        assert getattr(made, name) == getattr(settings, name), name
    assert plain(made) is made


def test_they_stay_as_they_are_and_show_nothing() -> None:
    made = plain(settings_for("redis://:a-password@127.0.0.1:1"))
    with pytest.raises(AttributeError, match="redis_url"):
        setattr(made, "redis_url", "")  # noqa: B010 (a type checker refuses it, too)
    assert "a-password" not in repr(made) + str(made)


def test_changed_ones_have_everything_but_what_was_changed() -> None:
    settings = plain(settings_for("redis://127.0.0.1:1"))
    made = changed(settings, dpop_nonce_required=True)
    assert made.dpop_nonce_required
    assert not settings.dpop_nonce_required
    assert made.model_fields_set == settings.model_fields_set | {"dpop_nonce_required"}
    assert made.issuer == settings.issuer
