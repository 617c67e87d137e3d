"""Every endpoint that clients and browsers come to, from the list of them."""

import inspect
import re

from docs.generate import example
from docs.generate.tables import codes, table
from service import endpoints
from service.endpoints import ENDPOINTS, Endpoint
from service.endpoints.endpoint import BrowserEndpoint, DocumentEndpoint, MachineEndpoint
from service.endpoints.metadata import OPENID_PATH, PATH

_IDS = re.compile(r" \([A-Z]{2}-\d+[^)]*\)|, [A-Z]{2}-\d+(?=\))")
_HEAD = f"""# OAuth and OpenID Connect endpoints

Paths are below the issuer, whose path they follow where it has one. What of this a service offers, and at which URLs, stands in
its metadata at `{OPENID_PATH}` and `{PATH}`: [every member](discovery.md). An error is the registered
code in JSON (RFC 6749 section 5.2), or for a browser a page: [errors](errors.md), [what to do about each](refusals.md).

"""
_HEALTH = """
## For operators

| path | methods | what it says |
|---|---|---|
| `/livez` | GET | The process lives. |
| `/readyz` | GET | It can serve; 503 with the reason where it cannot. |
| `/metrics` | GET | [Metrics](events.md#metrics); at the operators' port where there is one. |
"""


def page() -> str:
    """The whole page."""
    columns = ("endpoint", "path", "methods", "called by", "by default")
    default = example.issuer()
    rows = (
        (
            f"[{endpoint.name}](#{endpoint.name})",
            codes(endpoint.paths(default.settings)),
            " ".join(sorted(endpoint.methods(default.settings))),
            _caller(endpoint),
            "on" if endpoint.is_on(default) else "off",
        )
        for endpoint in ENDPOINTS.values()
    )
    return _HEAD + table(columns, rows) + "".join(map(_section, ENDPOINTS.values())) + _HEALTH


def _caller(endpoint: Endpoint) -> str:
    return {
        MachineEndpoint: "programs",
        BrowserEndpoint: "browsers",
        DocumentEndpoint: "everybody",
    }[type(endpoint)]  # fmt: skip


def _section(endpoint: Endpoint) -> str:
    assert isinstance(endpoint, MachineEndpoint | BrowserEndpoint | DocumentEndpoint)
    (module,) = (one for one in vars(endpoints).values() if getattr(one, "ENDPOINT", None) is endpoint)
    text = _IDS.sub("", inspect.getdoc(module) or "").partition("\n\n")[0].replace("``", "`")
    facts = []
    if isinstance(endpoint, MachineEndpoint):
        facts.append("Pages of other origins may call it (`cors_origins`).")
        if endpoint.takes_key_proofs:
            facts.append("Takes DPoP proofs and client certificates.")
    if isinstance(endpoint, DocumentEndpoint):
        facts.append("Answers `If-None-Match` with 304.")
    if members := endpoint.metadata(example.issuer(everything=True)):
        facts.append(f"In the metadata: {codes(members)}.")
    return f"\n## {endpoint.name}\n\n{text}\n" + (f"\n{' '.join(facts)}\n" if facts else "")
