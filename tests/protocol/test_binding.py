"""What a token is bound to, in the words of responses."""

import pytest

from service.protocol.binding import UNBOUND, Binding


@pytest.mark.parametrize(
    ("binding", "token_type", "cnf"),
    [
        pytest.param(UNBOUND, "Bearer", {}, id="a bearer token"),
        pytest.param(Binding(jkt="k"), "DPoP", {"jkt": "k"}, id="a DPoP key (RFC 9449 5)"),
        pytest.param(Binding(x5t_s256="c"), "Bearer", {"x5t#S256": "c"}, id="a certificate (RFC 8705 3)"),
    ],
)
def test_the_token_type_and_cnf_follow_from_the_binding(binding: Binding, token_type: str, cnf: dict[str, str]) -> None:
    assert (binding.token_type, binding.cnf) == (token_type, cnf)
