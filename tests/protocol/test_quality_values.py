"""Headers by which a client weighs what it would rather get (RFC 9110 section 12)."""

import pytest

from service.protocol.quality_values import media_types, quality_values


@pytest.mark.parametrize(
    ("lines", "weights"),
    [
        ([], {}),
        ([""], {}),
        (["da, en-GB;q=0.8,en;q=0.7"], {"da": 1, "en-GB": 0.8, "en": 0.7}),
        (["a/b ; Q=0.5", "c/d;q=0, */*;q=1.000"], {"a/b": 0.5, "c/d": 0, "*/*": 1}),
        (["a/b;level=1;q=0.25, c/d;level=q"], {"a/b": 0.25, "c/d": 1}),
        (["a;q=2, b;q=x, c;q=, d;q=-1, e;q=0.1234, f;q=٠, ;q=1, ,;"], {}),
        (["x" * 900 + ",y," + "z" * 200], {"x" * 900: 1, "y": 1, "z" * 97: 1}),
    ],
)
def test_weights(lines: list[str], weights: dict[str, float]) -> None:
    assert quality_values(lines) == weights


def test_media_types_are_the_same_in_any_case() -> None:
    assert media_types(["Text/HTML;Q=0.5"]) == {"text/html": 0.5}
