"""The authorization endpoint (RFC 6749 3.1, OpenID Connect Core 3.1.2): answer the client, or ask the user first."""

from service.crypto.client_keys import ALGORITHMS
from service.endpoints.browser_session import browser_of, failed
from service.endpoints.endpoint import BrowserEndpoint, always
from service.issuer import Issuer
from service.login import flow, sessions
from service.login.acr import offered_acrs
from service.login.authorization_requests import RefusedRequestError, validate_authorization_request
from service.login.granting import verified_of
from service.login.interaction import CrowdedError, StaleError
from service.login.request_object import Parameters
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.errors import InvalidRequestUri, ProtocolError, TemporarilyUnavailable
from service.protocol.names import ContentEncryption, Prompt
from service.protocol.profiles import demands_of
from service.protocol.response_destination import modes_supported, types_supported
from service.tokens.encryption import encryption_metadata, usable_by_clients

NAME = "authorize"
PATH = "/authorize"


async def decide(issuer: Issuer, visit: Visit) -> Reply:
    """Answer an authorization request.

    Until client and redirect URI are verified an error is a page, afterwards it goes back.
    """
    try:
        outer = Parameters(visit.parameters, visit.resources)
        client, request, parameters = await validate_authorization_request(issuer, outer, address=visit.address)
    except RefusedRequestError as refused:
        return Reply(await _sent_back(issuer, refused, visit))
    except ProtocolError as error:
        return Reply(failed(error))
    browser = browser_of(issuer, visit)
    try:
        session = await sessions.read(issuer, visit.session)
        what: Redirect | FormPost | Page = await flow.start(
            issuer,
            client,
            request,
            session,
            browser,
            visit.address,
            channel=parameters.channel,
            reference=parameters.reference,
        )
    except CrowdedError as error:
        issuer.refusals.record(NAME, error)
        return Reply(failed(error), languages=request.ui_locales)
    except StaleError:
        spent = InvalidRequestUri("The request_uri was used meanwhile.")
        issuer.refusals.record(NAME, spent)
        return Reply(failed(spent), languages=request.ui_locales)
    except ProtocolError as error:
        what = await _sent_back(issuer, RefusedRequestError(client, verified_of(request), error), visit)
    return Reply(what, browser=None if visit.browser else browser, languages=request.ui_locales)


async def _sent_back(issuer: Issuer, refused: RefusedRequestError, visit: Visit) -> Redirect | FormPost | Page:
    """Send the error to the client; show a page where it cannot be sent as the client wants it."""
    try:
        return await refused.show(issuer, framed=visit.framed)
    except TemporarilyUnavailable as error:
        return failed(error)


def _metadata(issuer: Issuer) -> dict[str, object]:
    settings = issuer.settings
    openid = issuer.keyring is not None  # without keys there are no ID tokens
    offered = types_supported(settings.response_types, can_sign=openid)
    demands = demands_of(settings.profile, None)
    members: dict[str, object] = {
        "authorization_endpoint": issuer.url_of(PATH),
        "response_types_supported": [one.value for one in offered],
        "response_modes_supported": modes_supported(offered, demands, can_sign=openid),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "acr_values_supported": offered_acrs(settings),
        **_request_objects(issuer),
    }
    if issuer.keyring is None:
        return members
    prompts = [prompt.value for prompt in Prompt if prompt is not Prompt.CREATE or settings.sign_up_url]
    return members | {
        "authorization_signing_alg_values_supported": [one.value for one in issuer.keyring.algorithms],
        **encryption_metadata(issuer, "authorization"),
        **encryption_metadata(issuer, "id_token"),
        "claims_parameter_supported": True,
        "prompt_values_supported": prompts,
        "display_values_supported": ["page", "popup", "touch", "wap"],
    }


def _request_objects(issuer: Issuer) -> dict[str, object]:
    """Return what is taken of request objects, without keys of ours, too, as clients sign them (RFC 9101 section 10.5)."""
    settings = issuer.settings
    is_on = settings.request_objects != "off"
    by_reference = settings.request_objects == "by_reference" and not settings.require_pushed_authorization_requests
    demanded = demands_of(settings.profile, None).algorithms
    signed = [name for name in ALGORITHMS if demanded is None or name in demanded]
    encrypted = usable_by_clients(issuer, settings.encryption_algorithms) if is_on else []
    return {
        "request_object_signing_alg_values_supported": signed if is_on else None,
        "request_object_encryption_alg_values_supported": encrypted or None,
        "request_object_encryption_enc_values_supported": [one.value for one in ContentEncryption]
        if encrypted
        else None,
        "require_signed_request_object": settings.require_signed_request_object,
        "request_parameter_supported": is_on,
        "request_uri_parameter_supported": by_reference,
        "require_request_uri_registration": True if by_reference else None,
    }


ENDPOINT = BrowserEndpoint(
    name=NAME, paths=always(PATH), metadata=_metadata, handle=decide, posted_by_clients=True, head=False
)
