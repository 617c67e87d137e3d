"""The authorization response, on its way back to the client (RFC 6749 4.1.2, RFC 9207)."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from service.protocol.browsing import FormPost, Redirect
from service.protocol.errors import ProtocolError
from service.protocol.names import ResponseMode
from service.protocol.response_destination import Verified


def response_parameters(issuer_url: str, verified: Verified, answer: Mapping[str, str]) -> dict[str, str]:
    """Return ``answer`` with ``state`` as received and ``iss`` (RFC 9207 section 2)."""
    parameters = dict(answer)
    if verified.state is not None:
        parameters["state"] = verified.state
    return parameters | {"iss": issuer_url}


def redirected(verified: Verified, parameters: Mapping[str, str]) -> Redirect | FormPost:
    """Return what sends the browser to the client with these parameters, by the response mode."""
    if verified.response_mode is ResponseMode.FORM_POST:
        return FormPost(verified.redirect_uri, parameters)
    encoded = urlencode(parameters, quote_via=quote)
    if verified.response_mode is ResponseMode.FRAGMENT:
        return Redirect(f"{verified.redirect_uri}#{encoded}")
    separator = "&" if "?" in verified.redirect_uri else "?"
    return Redirect(f"{verified.redirect_uri}{separator}{encoded}")


def error_fields(error: ProtocolError) -> dict[str, str]:
    """Return the parameters of an error response (RFC 6749 4.1.2.1), without ``log``."""
    fields = {"error": error.error}
    if error.description:
        fields["error_description"] = error.description
    return fields
