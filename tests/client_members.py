"""Every member of the client metadata with a value that is not its default, and the interfaces that set and show it."""

import json
import os
import re
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from service.cli.client_options import flag_of
from service.fronts.console import client_fields
from service.protocol.client_member import Row, Shape
from service.protocol.client_metadata import REGISTERED, ROWS
from tests.as_tested import VARIABLES
from tests.cli.command_line import ROOT
from tests.console import Operator
from tests.forked import start_mintmark
from tests.person import Shown
from tests.world import private_jwk

URL = "https://app.example/x"
BASE = {"grant_types": ["authorization_code"], "redirect_uris": ["https://app.example/cb"]}
JWKS = {"keys": [{name: value for name, value in private_jwk("ES256").items() if name != "d"}]}
_SAID: dict[str, Any] = {
    "alias": "other",
    "auth_method": "private_key_jwt",
    "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer", "refresh_token"],
    "redirect_uris": ["https://app.example/cb", "https://app.example/other"],
    "scopes": ["openid", "read"],
    "default_scope": "read",
    "properties": [{"name": "tier", "value": "gold", "in_token_response": True, "in_introspection": False}],
    "response_types": ["code", "none"],
    "subject_type": "pairwise",
    "jwks": JWKS,
    "access_token_format": "jwt",
    "contacts": ["ops@app.example"],
    "access_token_claims": ["department"],
    "id_token_claims": ["groups"],
    "federated_claims": ["environment=production", "/kubernetes.io/namespace=shop"],
}
"""Values of members that depend on others, or that must be of a certain form."""
ALONE = {
    "jwks_uri": URL,
    "sector_identifier_uri": URL,
    "tls_client_auth_subject_dn": r"CN=billing\, north,O=Bank,C=DE",
    "tls_client_auth_san_dns": "billing.bank.example",
    "tls_client_auth_san_uri": "spiffe://bank.example/billing",
    "tls_client_auth_san_ip": "2001:db8::7",
    "tls_client_auth_san_email": "ops@bank.example",
    "profile": "oauth2_1",
}
"""Values of members that contradict others, or that are fetched: each is set alone."""
APART = set(ALONE)


def _value_for(row: Row) -> Any:
    match row.shape:
        case Shape.SWITCH:
            return True
        case Shape.NUMBER:
            return 7
        case Shape.CHOICE:
            return row.choices[0] if row.default is None else row.choices[-2 if row.name == "auth_method" else -1]
        case Shape.LIST:
            return [URL]
        case _:
            return URL


def full() -> dict[str, Any]:
    """Return a client in which no member has its default, except those in ``APART``."""
    return {row.name: _SAID.get(row.name, _value_for(row)) for row in ROWS.values() if row.name not in APART}


def plain(value: Any) -> Any:
    """Return a value in the form of JSON."""
    return json.loads(json.dumps(value))


def options(members: dict[str, Any]) -> list[str]:
    """Return the members as options of ``mintmark client update``."""
    told: list[str] = []
    for name, value in members.items():
        flag, shape = flag_of(ROWS[name]), ROWS[name].shape
        if name == "properties":
            told += [word for one in value for word in (flag, f"{one['name']}={one['value']}:token")]
        elif shape is Shape.SWITCH:
            told.append(flag)
        elif shape in (Shape.LIST, Shape.CHOICES):
            told += [word for one in value for word in (flag, one)]
        else:
            told += [flag, json.dumps(value) if shape is Shape.OBJECT else str(value)]
    return told


async def mintmark(redis_url: str, *arguments: str, **settings: str) -> Any:
    """Run a command in a process of its own, and return the JSON that it prints."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    variables = {**VARIABLES, "MINTMARK_REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), **settings}
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = await start_mintmark([*arguments, "--json"], others | variables, out, err).wait()
        return _printed(code, out, err)


def _printed(code: int, out: Path, err: Path) -> Any:
    assert code == 0, err.read_text()
    return json.loads(out.read_text())


def form_of(shown: Shown) -> dict[str, str]:
    """Return every field as a browser would send it."""
    page = shown.text[shown.text.index('class="sheet"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        named = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if named.get("type") not in ("checkbox", "radio") or " checked" in tag:
            found[unescape(named["name"])] = unescape(named.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        found[name] = unescape(text)
    for name, choices in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', choices)
        found[name] = unescape(chosen[1]) if chosen else ""
    return found


async def edited(operator: Operator, client_id: str, **changes: str) -> Shown:
    """Send a client's form at the console with these changes, and return the page that follows."""
    form = form_of(await operator.get("/console/client/edit", id=client_id))
    return await operator.send("/console/client/edit", **(form | changes))


def typed(members: dict[str, Any]) -> dict[str, str]:
    """Return the fields that an operator fills in in the console's form."""
    form: dict[str, str] = {}
    for name, shown in client_fields.written(dict.fromkeys(ROWS) | _empty_lists() | members).items():
        if isinstance(shown, set):
            form |= {f"{name}.{one}": "1" for one in shown}
        elif shown is True:
            form[name] = "1"
        elif isinstance(shown, str) and shown:
            form[name] = shown
    return {key: text for key, text in form.items() if key.partition(".")[0] in members}


def _empty_lists() -> dict[str, Any]:
    return {row.name: () for row in ROWS.values() if row.shape in (Shape.LIST, Shape.CHOICES)}


def in_console(shown: Shown) -> dict[str, Any]:
    """Return the members in the console's form, as ``ClientInput`` reads them."""
    return client_fields.members(form_of(shown), list(ROWS))


def registered(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a client may register, by their registered names."""
    told = {row.registered: members[row.name] for row in REGISTERED.values() if row.name in members}
    return told | ({"scope": " ".join(told["scope"])} if "scope" in told else {})
