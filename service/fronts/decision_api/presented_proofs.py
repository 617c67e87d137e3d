"""DPoP proofs (RFC 9449) that clients sent to a caller, and the nonces for their next ones."""

from dataclasses import replace

from service.fronts.decision_api.body import DpopBody, Text
from service.fronts.decision_api.call import Call, CallError, CallResult
from service.fronts.decision_api.result_codes import ResultCode, of_error
from service.fronts.decision_api.shown_certificate import CertificateBody
from service.protocol.decision import challenge
from service.protocol.errors import InvalidDpopProof, UseDpopNonce
from service.protocol.request import Request
from service.settings.plain import changed
from service.tokens.binding import Possession, possession_of
from service.tokens.binding.dpop import KEY_PROOF, SCHEME


def with_nonces(call: Call, body: DpopBody) -> Call:
    """Return the call, with an issuer that requires nonces where the body does. Raises CallError where it cannot make any."""
    settings = call.issuer.settings
    if settings.dpop_nonce_required or not body.dpop_nonce_required:
        return call
    if not settings.openid:
        raise CallError(ResultCode.UNSUPPORTED, "dpopNonceRequired: set master_key or signing_key_files.")
    return call._replace(issuer=replace(call.issuer, settings=changed(settings, dpop_nonce_required=True)))


def answered(call: Call, result: CallResult) -> CallResult:
    """Return the answer with the nonce for the client's next proof, where one is required."""
    issuer = call.issuer
    if not issuer.settings.dpop_nonce_required:
        return result
    return result._replace(members={**result.members, "dpopNonce": issuer.dpop_nonces.current(issuer.clock())})


class PresentedTokenBody(CertificateBody, DpopBody):
    """An access token that a client sent to the caller, with its proofs of possession."""

    token: Text = ""


async def certificate_of(call: Call, body: PresentedTokenBody, path: str = "") -> Possession:
    """Return the keys that the sender of an access token proved to possess.

    ``path`` is that of our endpoint for the same purpose, if there is one. Raises InvalidDpopProof, UseDpopNonce,
    InvalidRequest.
    """
    url, scheme = call.issuer.url_of(path), f"{SCHEME} {body.token}" if body.dpop else None
    certificate = body.certificate()
    request = Request({}, scheme, call.address, method="GET", url=url, certificate=certificate, by_backend=True)
    return await possession_of(call.issuer, body.proving(request), body.token)


def refused_proof(call: Call, error: InvalidDpopProof | UseDpopNonce) -> CallResult:
    """Return the answer for a refused proof, with a challenge for the client."""
    content = challenge(SCHEME, error, KEY_PROOF.challenge(call.issuer))
    facts = {"error": error.error, "reason": error.log or error.description}
    return CallResult(of_error(error.error), {"responseContent": content}, "UNAUTHORIZED", facts=facts)
