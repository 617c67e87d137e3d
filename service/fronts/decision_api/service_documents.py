"""What describes the service: its configuration and its public keys."""

from typing import Any

import orjson

from service.endpoints import discovery, jwks
from service.fronts.decision_api.answering import CallError, Document
from service.fronts.decision_api.body import Body, Text
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.route import Call, Route


class ConfigurationBody(Body):
    pretty: bool = True
    patch: Text = ""


class JwksBody(Body):
    pretty: bool = True
    include_private_keys: bool = False


async def configuration(call: Call, body: ConfigurationBody) -> Document:
    """The metadata of OpenID Connect Discovery and RFC 8414. A ``patch`` is refused: what is not so must not be said."""
    if body.patch:
        raise CallError(ResultCode.UNSUPPORTED, "patch: the document says what this service does.")
    return Document(_json(discovery(call.issuer), pretty=body.pretty))


async def service_jwks(call: Call, body: JwksBody) -> Document:
    """Our public keys. Private ones never leave: asking for them is refused."""
    if body.include_private_keys:
        raise CallError(ResultCode.UNSUPPORTED, "includePrivateKeys: private keys never leave this service.")
    if call.issuer.keyring is None:
        return Document(b'{"keys":[]}')
    return Document(_json(orjson.loads(jwks.decide(call.issuer).content), pretty=body.pretty))


def _json(document: Any, *, pretty: bool) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 if pretty else None)


ROUTES = (
    Route("/service/configuration", configuration, ConfigurationBody, ("POST", "GET")),
    Route("/service/jwks/get", service_jwks, JwksBody, ("GET",)),
)
