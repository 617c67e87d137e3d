"""Configurations of the OpenID Foundation's conformance suite for security profiles, and the settings and clients for them.

    python -m tests.conformance.plans FOLDER --op https://op.example --mtls https://mtls.op.example --suite https://suite.example

Writes for each plan KEY.json, and plans.json, which names plan and variant of each; for each profile the settings as
PROFILE.env and the clients as PROFILE.sh; clients-ca.pem. Keys in there are for this one run.
"""

import argparse
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.crypto.key_material import algorithm_object
from service.protocol.names import Profile
from tests.certificates import NAME, Authority, Shown, self_signed
from tests.conformance.browser import browser_scripts

RESOURCE = "/resource"
API = "resource"
"""client_id of the API behind the guard."""
SETTINGS: dict[Profile, dict[str, str]] = {
    Profile.FAPI2_SECURITY: {},
    Profile.FAPI2_MESSAGE_SIGNING: {},
    Profile.FAPI1_ADVANCED: {"assertion_audience": "several"},
}
"""What is set beside the profile, and beside what says where certificates come from.

The suite's FAPI 1 clients send assertions for the token endpoint, and for several audiences (FAPI 1 does not forbid it).
"""
EXTENSIONS = ("authorization_grant_profiles_supported", "identity_chaining_requested_token_types_supported")
"""Members of our metadata that drafts define and the suite does not know."""
MODULES = {
    Profile.FAPI2_SECURITY: "fapi2-security-profile-final",
    Profile.FAPI2_MESSAGE_SIGNING: "fapi2-security-profile-final",
    Profile.FAPI1_ADVANCED: "fapi1-advanced-final",
}
"""With what the names of the modules of a plan begin."""


@dataclass(frozen=True)
class Plan:
    """A plan of the suite with its variant, and what its clients are."""

    key: str
    name: str
    profile: Profile
    variant: dict[str, str]

    @property
    def by_certificate(self) -> bool:
        """Whether its clients authenticate by a certificate."""
        return self.variant["client_auth_type"] == "mtls"

    @property
    def is_bound_to_certificate(self) -> bool:
        """Whether its tokens are bound to one."""
        return self.variant.get("sender_constrain", "mtls") == "mtls"

    @property
    def is_oauth(self) -> bool:
        """Whether its clients do without OpenID Connect."""
        return self.variant.get("openid") == "plain_oauth"

    @property
    def scope(self) -> str:
        """What its clients ask for."""
        return "email offline_access" if self.is_oauth else "openid email offline_access"

    @property
    def registered_scope(self) -> str:
        """What they may ask for, and about whom they may ask for claims."""
        return self.scope if self.is_oauth else f"{self.scope} profile address phone"

    @property
    def response_type(self) -> str:
        """Of its clients."""
        is_hybrid = self.profile is Profile.FAPI1_ADVANCED and self.variant["fapi_response_mode"] == "plain_response"
        return "code id_token" if is_hybrid else "code"


_SHORT = {"private_key_jwt": "jwt", "openid_connect": "oidc", "plain_oauth": "oauth", "plain_response": "plain"}


def _plan(profile: Profile, prefix: str, name: str, fixed: dict[str, str], varied: dict[str, str]) -> Plan:
    key = "-".join((prefix, *(_SHORT.get(value, value).replace("_", "") for value in varied.values())))
    return Plan(key, f"{name}-test-plan", profile, {"fapi_profile": "plain_fapi"} | fixed | varied)


def _fapi2(profile: Profile, prefix: str, name: str, further: dict[str, str]) -> list[Plan]:
    return [
        _plan(
            profile,
            prefix,
            name,
            {"authorization_request_type": "simple"} | further,
            {"client_auth_type": method, "sender_constrain": bound, "openid": openid},
        )
        for method in ("private_key_jwt", "mtls")
        for bound in ("dpop", "mtls")
        for openid in ("plain_oauth", "openid_connect")
    ]


PLANS = [
    *_fapi2(Profile.FAPI2_SECURITY, "fapi2sp", "fapi2-security-profile-final", {}),
    *_fapi2(
        Profile.FAPI2_MESSAGE_SIGNING,
        "fapi2ms",
        "fapi2-message-signing-final",
        {"fapi_request_method": "signed_non_repudiation", "fapi_response_mode": "jarm"},
    ),
    *(
        _plan(
            Profile.FAPI1_ADVANCED,
            "fapi1",
            "fapi1-advanced-final",
            {},
            {"client_auth_type": method, "fapi_auth_request_method": sent, "fapi_response_mode": mode},
        )
        for method in ("private_key_jwt", "mtls")
        for sent in ("by_value", "pushed")
        for mode in ("plain_response", "jarm")
    ),
]
"""Every plan that a security profile is to pass."""


@dataclass
class SuiteClient:
    """A client: what the suite knows of it, and what Mintmark does.

    The first of a plan has RSA keys and a certificate that an authority made (tls_client_auth), the second keys on a curve
    and a certificate of its own (self_signed_tls_client_auth).
    """

    plan: Plan
    number: int
    suite: str
    audience: str
    authority: Authority
    key: Any = field(init=False)
    shown: Shown = field(init=False)

    def __post_init__(self) -> None:
        name = (NAME, self.client_id)
        if self.number == 1:
            self.key = rsa.generate_private_key(65537, 2048)
            self.shown = self.authority.issue(name, key=rsa.generate_private_key(65537, 2048))
        else:
            self.key = ec.generate_private_key(ec.SECP256R1())
            self.shown = self_signed(name)

    @property
    def client_id(self) -> str:
        """It has its number at its end."""
        return f"{self.plan.key}-{self.number}"

    @property
    def algorithm(self) -> str:
        """By which it signs."""
        return "PS256" if self.number == 1 else "ES256"

    def _jwk(self, key: Any) -> dict[str, Any]:
        members = dict(algorithm_object(self.algorithm).to_jwk(key, as_dict=True))
        members.pop("key_ops", None)
        return members | {"kid": self.client_id, "use": "sig", "alg": self.algorithm}

    @property
    def configuration(self) -> dict[str, Any]:
        """As plan configurations have it."""
        return {
            "client_id": self.client_id,
            "scope": self.plan.scope,
            "jwks": {"keys": [self._jwk(self.key)]},
            "dpop_signing_alg": self.algorithm,
        }

    @property
    def certificate(self) -> dict[str, str]:
        """Certificate and key as plan configurations have them."""
        key = self.shown.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {"cert": self.shown.pem, "key": key}

    @property
    def command(self) -> list[str]:
        """By which it is registered: what its profile demands is not said, for it follows."""
        plan, callback = self.plan, f"{self.suite}/test/a/{self.plan.key}/callback"
        keys = [self._jwk(self.key.public_key())]
        options: dict[str, str | list[str]] = {
            "--auth-method": "private_key_jwt",
            "--grant-type": ["authorization_code", "refresh_token"],
            "--redirect-uri": [callback, f"{callback}?dummy1=lorem&dummy2=ipsum"],
            "--response-type": plan.response_type,
            "--scope": plan.registered_scope,
            "--audience": self.audience,
        }
        if plan.by_certificate and self.number == 1:
            options |= {"--auth-method": "tls_client_auth", "--certificate-subject": f"CN={self.client_id}"}
        elif plan.by_certificate:
            options["--auth-method"] = "self_signed_tls_client_auth"
            keys.append(self.shown.jwk | {"kid": f"{self.client_id}-certificate"})
        options["--jwks"] = json.dumps({"keys": keys})
        command = ["mintmark", "client", "create", self.client_id]
        for name, values in options.items():
            for value in [values] if isinstance(values, str) else values:
                command += [name, value]
        return [*command, "--certificate-bound"] if plan.is_bound_to_certificate else command


@dataclass(frozen=True)
class Places:
    """Where everything is, as base URLs. ``mtls``: where clients are asked for certificates, and where the API is."""

    op: str
    mtls: str
    suite: str

    def settings(self, profile: Profile, authorities: Path) -> dict[str, str]:
        """The settings of a server that keeps a profile, behind a proxy on the same host."""
        return {
            "issuer": self.op,
            "profile": profile.value,
            "mtls_url": self.mtls,
            "client_ca_file": str(authorities),
            "forwarded_certificate": "nginx",
            "trusted_proxies": "127.0.0.1/32",
            **SETTINGS[profile],
        }

    def clients(self, plan: Plan, authority: Authority) -> tuple[SuiteClient, SuiteClient]:
        """The two of a plan."""
        first, second = (
            SuiteClient(plan, number, self.suite, f"{self.mtls}{RESOURCE}", authority) for number in (1, 2)
        )
        return first, second

    def configuration(self, plan: Plan, clients: tuple[SuiteClient, SuiteClient]) -> dict[str, Any]:
        """A plan's configuration."""
        document = "oauth-authorization-server" if plan.is_oauth else "openid-configuration"
        first, second = clients
        return {
            "alias": plan.key,
            "description": f"Mintmark, {plan.key}",
            "server": {
                "discoveryUrl": f"{self.op}/.well-known/{document}",
                "allow_unexpected_metadata_fields": list(EXTENSIONS),
            },
            "client": first.configuration,
            "client2": second.configuration,
            "mtls": first.certificate,
            "mtls2": second.certificate,
            "resource": {"resourceUrl": f"{self.mtls}{RESOURCE}"},
            **browser_scripts(self.op, self.suite, MODULES[plan.profile]),
        }


def write(folder: Path, places: Places, secret: str) -> None:
    """Write everything for all plans.

    Args:
        folder: Where to.
        places: Where server, API and suite are.
        secret: Of the API.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority("conformance clients")
    authorities = authority.file(folder, "clients-ca").resolve()
    (folder / "secret").write_text(secret + "\n")
    api = [
        "mintmark",
        "client",
        "create",
        API,
        "--introspect",
        "--resource",
        f"{places.mtls}{RESOURCE}",
        "--secret-stdin",
    ]
    commands = {profile: [f"printf '%s\\n' {shlex.quote(secret)} | {shlex.join(api)}"] for profile in SETTINGS}
    listed = []
    for plan in PLANS:
        clients = places.clients(plan, authority)
        commands[plan.profile] += [shlex.join(client.command) for client in clients]
        (folder / f"{plan.key}.json").write_text(json.dumps(places.configuration(plan, clients), indent=1))
        listed.append({"key": plan.key, "plan": plan.name, "variant": plan.variant, "config": f"{plan.key}.json"})
    (folder / "plans.json").write_text(json.dumps(listed, indent=1))
    for profile, lines in commands.items():
        settings = places.settings(profile, authorities)
        exported = (f"export MINTMARK_{name.upper()}={shlex.quote(value)}" for name, value in settings.items())
        (folder / f"{profile.value}.env").write_text("\n".join(exported) + "\n")
        (folder / f"{profile.value}.sh").write_text("\n".join(lines) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("op", "mtls", "suite"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--secret", default="a-secret-of-the-conformance-resource-server")
    given = parser.parse_args(arguments)
    write(given.folder, Places(given.op, given.mtls, given.suite), given.secret)


if __name__ == "__main__":
    main()
