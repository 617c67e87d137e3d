"""DPoP (RFC 9449): a client signs each request with its own key, and its tokens are valid only with that."""

from collections.abc import Collection, Mapping

from service.crypto.dpop_proofs import HEADER, NONCE_HEADER, DpopProof, check_age, check_times, end_by_iat
from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol.binding import THUMBPRINT, UNBOUND, Binding
from service.protocol.errors import InvalidDpopProof, InvalidRequest, UseDpopNonce
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import Use, start
from service.tokens.binding.key_proof import NO_KEY, NOT_PUSHED, KeyProof, Possession, Pushed

SCHEME = "DPoP"
PARAMETER = "dpop_jkt"
"""The parameter of authorization requests (RFC 9449 section 10)."""
_CLOCKS = 60
"""Seconds for which a use is remembered after its proof is too old, as the clocks of our processes and of Redis may differ."""
_WRONG_CLOCK = 86400
"""Seconds by which the ``iat`` of a proof with a nonce may be in the future."""


async def _bind(issuer: Issuer, client: Client, request: Request) -> Possession:
    if HEADER in request.headers:
        possession = await _proved(issuer, request, demanded=issuer.demands_on(client).algorithms)
        if not (client.public or client.self_registered):  # else unknown callers could fill Redis
            start(possession.replay_checks)
        return possession
    raise InvalidDpopProof("This client has to send a DPoP proof with each token request.")


def _concerns(client: Client, request: Request) -> bool:
    return client.dpop_bound_access_tokens or HEADER in request.headers


async def _show(issuer: Issuer, request: Request, access_token: str) -> Possession:
    """Verify the proof of a token that is presented as bound to a key (RFC 9449 section 7.1)."""
    if (request.authorization or "")[: len(SCHEME) + 1].lower() != f"{SCHEME} ".lower():
        return NO_KEY
    if HEADER not in request.headers:
        raise InvalidDpopProof("The DPoP proof is missing.", status=401)
    return await _proved(issuer, request, access_token, status=401)


async def _push(issuer: Issuer, client: Client, request: Request, parameters: Mapping[str, str]) -> Pushed:
    """Bind the code to the key of a proof in a pushed request, as ``dpop_jkt`` does (RFC 9449 section 10.1)."""
    if HEADER not in request.headers:
        return NOT_PUSHED
    possession = await _proved(issuer, request, demanded=issuer.demands_on(client).algorithms)
    if parameters.get(PARAMETER, possession.binding.jkt) != possession.binding.jkt:
        raise InvalidDpopProof(f"{PARAMETER} is another key than that of the DPoP proof.")
    return Pushed({PARAMETER: possession.binding.jkt}, possession.replay_checks)


def _named(parameters: Mapping[str, str]) -> Binding:
    jkt = parameters.get(PARAMETER)
    if jkt is None:
        return UNBOUND
    if not THUMBPRINT.fullmatch(jkt):
        raise InvalidRequest(
            f"{PARAMETER} must be the thumbprint of a key, 43 characters of base64url (RFC 9449 section 10)."
        )
    return Binding(jkt=jkt)


async def _proved(
    issuer: Issuer,
    request: Request,
    access_token: str = "",
    status: int = 400,
    demanded: frozenset[str] | None = None,
) -> Possession:
    """Return the key of the proof in a request, and its replay check. Raises InvalidDpopProof, UseDpopNonce.

    ``demanded`` are the algorithms that it may be signed with, among those that are accepted; None = any.
    """
    algorithms: Collection[str] = issuer.settings.dpop_signing_algorithms
    if demanded is not None:
        algorithms = [name for name in algorithms if name in demanded]
    try:
        proof = await issuer.dpop_proofs.verify(
            _one_header(request),
            method=request.method,
            url=request.url,
            other_url=request.mtls_url,
            access_token=access_token,
            algorithms=algorithms,
        )
        ends_at = _ends_at(issuer, proof, status)
    except UnverifiableError as error:
        raise InvalidDpopProof(f"The DPoP proof cannot be used: {error}.", status=status) from error

    def refusal() -> InvalidDpopProof:
        return InvalidDpopProof("The DPoP proof was used before: each needs a jti of its own.", status=status)

    use = Use(f"\0dpop\0{proof.jkt}\0{proof.jti}", ends_at + _CLOCKS, issuer.randomness(16), refusal)
    # not under way yet, as unknown callers could fill Redis: it waits for a client, a token of this key, or an admission
    return Possession(Binding(jkt=proof.jkt), (issuer.store.replay_checks.prepare(use),), proof.algorithm)


def _ends_at(issuer: Issuer, proof: DpopProof, status: int) -> int:
    """Return the second at which a proof is too old: by its nonce, which is of our clock, else by its ``iat``.

    With a nonce it is the later of both: a process or call that wants no nonce would accept the same proof by its ``iat``.
    """
    now, lifetime = issuer.clock(), issuer.settings.dpop_proof_lifetime
    check_times(proof, now)
    if not issuer.settings.dpop_nonce_required:
        return check_age(proof, now, lifetime)
    ends_at = issuer.dpop_nonces.end_of(proof.nonce, now)
    if ends_at is None:
        raise UseDpopNonce(status=status, headers=_answered(issuer))
    return max(ends_at, end_by_iat(proof, lifetime)) if proof.issued_at <= now + _WRONG_CLOCK else ends_at


def _one_header(request: Request) -> str:
    lines = request.lines_of(HEADER)
    if len(lines) > 1:
        raise UnverifiableError("there is more than one DPoP header")
    return lines[0]


def _answered(issuer: Issuer) -> dict[str, str]:
    """Return the nonce for the next proof, so that no request has to be repeated for it (RFC 9449 section 8.2)."""
    if not issuer.settings.dpop_nonce_required:
        return {}
    return {NONCE_HEADER: issuer.dpop_nonces.current(issuer.clock())}


def _algorithms(issuer: Issuer) -> list[str]:
    return [algorithm.value for algorithm in issuer.settings.dpop_signing_algorithms]


KEY_PROOF = KeyProof(
    name="dpop",
    bind=_bind,
    show=_show,
    concerns=_concerns,
    push=_push,
    named=_named,
    answered=_answered,
    metadata=lambda issuer: {"dpop_signing_alg_values_supported": _algorithms(issuer)},
    scheme=SCHEME,
    challenge=lambda issuer: {"algs": " ".join(_algorithms(issuer))},
    request_headers=(HEADER,),
    response_headers=(NONCE_HEADER,),
)
