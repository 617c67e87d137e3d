"""Problems that are made of what a caller wrote."""

import orjson
import pytest

from service.admin.errors import InvalidInput
from service.fronts.admin_api import problems


@pytest.mark.parametrize("text", ["issuer: '\udcff' is no URL", "x\udcff is no member"])
def test_refusals_with_what_utf_8_cannot_hold_are_rendered(text: str) -> None:
    """An error about a bad byte must not be an error itself: nothing would catch it any more (RFC 9457)."""
    response = problems.render(problems.of_admin_error(InvalidInput(text)))
    assert response.status == 422
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body)["detail"] == text.replace("\udcff", "?")
