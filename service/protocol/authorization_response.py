"""The answer of the authorization endpoint, on its way back to the client (RFC 6749 4.1.2, RFC 9207)."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from service.protocol.authorization_request import Verified
from service.protocol.browsing import FormPost, Redirect
from service.protocol.errors import ProtocolError
from service.protocol.names import ResponseMode


def deliver(issuer_url: str, verified: Verified, answer: Mapping[str, str]) -> Redirect | FormPost:
    """``answer`` with ``state`` as it came and ``iss`` (RFC 9207 section 2), the way the response mode says."""
    fields = dict(answer)
    if verified.state is not None:
        fields["state"] = verified.state
    fields["iss"] = issuer_url
    if verified.response_mode is ResponseMode.FORM_POST:
        return FormPost(verified.redirect_uri, fields)
    encoded = urlencode(fields, quote_via=quote)
    if verified.response_mode is ResponseMode.FRAGMENT:
        return Redirect(f"{verified.redirect_uri}#{encoded}")
    separator = "&" if "?" in verified.redirect_uri else "?"
    return Redirect(f"{verified.redirect_uri}{separator}{encoded}")


def error_fields(error: ProtocolError) -> dict[str, str]:
    """The error as RFC 6749 4.1.2.1 shapes it; nothing of ``log``."""
    fields = {"error": error.error}
    if error.description:
        fields["error_description"] = error.description
    return fields
