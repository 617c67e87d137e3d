"""Configurations of the suite's FAPI-CIBA plans, and the settings and clients for them.

    python -m tests.conformance.ciba_plans FOLDER --op https://op.example --mtls https://mtls.op.example \
        --suite https://suite.example --approvals https://op.example/approve

Writes for each plan KEY.json, and plans.json; ciba.env and ciba.sh. Keys in there are for this one run.
"""

import argparse
import json
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.crypto.key_material import algorithm_object
from service.protocol.names import GrantTypeName
from tests.certificates import NAME, Shown, self_signed
from tests.conformance.browser import USER
from tests.conformance.ciba_approvals import ACR
from tests.conformance.plans import API, RESOURCE

PLAN = "fapi-ciba-id1-test-plan"
SCOPE = "openid email offline_access"
UNKNOWN_METADATA = ["authorization_grant_profiles_supported", "identity_chaining_requested_token_types_supported"]
"""Members of discovery that the suite does not know: those of drafts."""
_SHORT = {"private_key_jwt": "jwt", "mtls": "mtls"}


@dataclass(frozen=True)
class CibaPlaces:
    """Where everything is, as base URLs; ``approvals``: who decides."""

    op: str
    mtls: str
    suite: str
    approvals: str


@dataclass(frozen=True)
class CibaClient:
    """One of the two clients of a plan: RSA keys, and a certificate of its own."""

    client_id: str
    method: str
    mode: str
    key: rsa.RSAPrivateKey
    shown: Shown

    @classmethod
    def made(cls, client_id: str, method: str, mode: str) -> "CibaClient":
        """A client with fresh keys."""
        return cls(client_id, method, mode, rsa.generate_private_key(65537, 2048), self_signed((NAME, client_id)))

    def _jwk(self, key: Any) -> dict[str, Any]:
        members = dict(algorithm_object("PS256").to_jwk(key, as_dict=True))
        members.pop("key_ops", None)
        return members | {"kid": self.client_id, "use": "sig", "alg": "PS256"}

    @property
    def configuration(self) -> dict[str, Any]:
        """As plan configurations have it."""
        about = {"client_id": self.client_id, "client_name": self.client_id, "scope": SCOPE}
        hint = {"hint_type": "login_hint", "hint_value": USER, "acr_value": ACR}
        return about | hint | {"jwks": {"keys": [self._jwk(self.key)]}}

    @property
    def certificate(self) -> dict[str, str]:
        """Certificate and key as plan configurations have them."""
        key = self.shown.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {"cert": self.shown.pem, "key": key}

    def command(self, places: CibaPlaces, alias: str) -> list[str]:
        """By which it is registered."""
        keys = [self._jwk(self.key.public_key())]
        options = ["--auth-method", "private_key_jwt", "--auth-alg", "PS256"]
        if self.method == "mtls":
            options = ["--auth-method", "self_signed_tls_client_auth"]
            keys.append(self.shown.jwk | {"kid": f"{self.client_id}-certificate"})
        if self.mode == "ping":
            uri = f"{places.suite}/test/a/{alias}/ciba-notification-endpoint"
            options += ["--backchannel-notification-uri", uri]
        options += ["--grant-type", GrantTypeName.CIBA.value, "--grant-type", "refresh_token", "--scope", SCOPE]
        options += ["--refresh-rotation", "never", "--id-token-alg", "PS256", "--certificate-bound"]
        options += ["--backchannel-mode", self.mode, "--backchannel-request-alg", "PS256"]
        options += ["--audience", f"{places.mtls}{RESOURCE}", "--jwks", json.dumps({"keys": keys})]
        return ["mintmark", "client", "create", self.client_id, "--name", self.client_id, *options]


def settings(places: CibaPlaces, api_secret: str) -> dict[str, str]:
    """What a server is told, behind a proxy on the same host. The suite's assertions are for several audiences."""
    return {
        "issuer": places.op,
        "mtls_url": places.mtls,
        "forwarded_certificate": "nginx",
        "trusted_proxies": "127.0.0.1/32",
        "assertion_audience": "several",
        "decision_api_keys": json.dumps({"exam": api_secret}),
    }


def write(folder: Path, places: CibaPlaces, secret: str) -> None:
    """Write everything. ``secret``: of the API behind the guard, and of who decides."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text(secret + "\n")
    api = ["mintmark", "client", "create", API, "--introspect", "--resource", f"{places.mtls}{RESOURCE}"]
    lines = [f"printf '%s\\n' {shlex.quote(secret)} | {shlex.join([*api, '--secret-stdin'])}"]
    listed = []
    for method in _SHORT:
        for mode in ("poll", "ping"):
            alias = f"ciba-{_SHORT[method]}-{mode}"
            first, second = (CibaClient.made(f"{alias}-{number}", method, mode) for number in (1, 2))
            lines += [shlex.join(one.command(places, alias)) for one in (first, second)]
            discovery = f"{places.op}/.well-known/openid-configuration"
            configuration = {
                "alias": alias,
                "description": f"Mintmark, {alias}",
                "server": {"discoveryUrl": discovery, "allow_unexpected_metadata_fields": UNKNOWN_METADATA},
                "client": first.configuration,
                "client2": second.configuration,
                "mtls": first.certificate,
                "mtls2": second.certificate,
                "resource": {"resourceUrl": f"{places.mtls}{RESOURCE}"},
                "automated_ciba_approval_url": f"{places.approvals}?auth_req_id={{auth_req_id}}&action={{action}}",
            }
            (folder / f"{alias}.json").write_text(json.dumps(configuration, indent=1))
            variant = {"client_auth_type": method, "ciba_mode": mode}
            variant |= {"fapi_ciba_profile": "plain_fapi", "client_registration": "static_client"}
            listed.append({"key": alias, "plan": PLAN, "variant": variant, "config": f"{alias}.json"})
    (folder / "plans.json").write_text(json.dumps(listed, indent=1))
    exported = (
        f"export MINTMARK_{name.upper()}={shlex.quote(value)}" for name, value in settings(places, secret).items()
    )
    (folder / "ciba.env").write_text("\n".join(exported) + "\n")
    (folder / "ciba.sh").write_text("\n".join(lines) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("op", "mtls", "suite", "approvals"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args(arguments)
    places = CibaPlaces(given.op, given.mtls, given.suite, given.approvals)
    write(given.folder, places, secrets.token_urlsafe(32))


if __name__ == "__main__":
    main()
