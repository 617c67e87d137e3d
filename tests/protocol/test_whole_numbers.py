"""Whole numbers as text: ASCII digits, and not too many."""

import pytest

from service.protocol.whole_numbers import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("4294967296", 4294967296)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1_0", "²", "٣", "1" * 11, "1" * 5000])
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_the_number_of_digits_is_the_callers() -> None:
    assert (whole_number("123", 2), whole_number("1" * 20, 20)) == (None, int("1" * 20))
