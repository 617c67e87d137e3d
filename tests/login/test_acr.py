"""Authentication context classes, by the table of the settings."""

import pytest
from pydantic import ValidationError

from service.login.acr import acr_of, offered_acrs
from service.settings import Settings
from service.settings.login import AcrRule
from tests.world import settings_for

TABLE = (AcrRule(acr="phr", amr=("hwk", "pwd otp")), AcrRule(acr="mfa", amr=("pwd sms",)))


def _settings(table: tuple[AcrRule, ...]) -> Settings:
    return settings_for("redis://localhost", acr_by_amr=table)


@pytest.mark.parametrize(
    ("amr", "acr"),
    [
        (("pwd",), "1"),
        (("pwd", "otp"), "phr"),
        (("otp",), "1"),
        (("pwd", "sms"), "mfa"),
        (("pwd", "sms", "hwk"), "phr"),
        ((), "1"),
    ],
    ids=str,
)
def test_the_first_line_that_fits_counts(amr: tuple[str, ...], acr: str) -> None:
    assert acr_of(_settings(TABLE), amr) == acr


@pytest.mark.parametrize(
    ("acr", "amr"), [("a\0", "pwd"), ("a b", "pwd"), ("é", "pwd"), ("a", "pwd\n"), ("a", " pwd"), ("a", "")]
)
def test_a_class_or_method_that_no_token_can_name_is_refused(acr: str, amr: str) -> None:
    with pytest.raises(ValidationError):
        AcrRule(acr=acr, amr=(amr,))


def test_without_a_table_there_is_one_class() -> None:
    assert acr_of(_settings(()), ("pwd",)) == "1"
    assert offered_acrs(_settings(())) == ["1"]


def test_every_class_of_the_table_is_offered_once() -> None:
    assert offered_acrs(_settings((*TABLE, AcrRule(acr="1", amr=("pwd",))))) == ["phr", "mfa", "1"]
