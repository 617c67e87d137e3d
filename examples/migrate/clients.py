"""Clients of another server, as the commands that register them here: to read, to correct, and to run.

    hydra list oauth2-clients --format json | python3 examples/migrate/clients.py - > clients.sh
    python3 examples/migrate/clients.py realm.json --secrets secrets > clients.sh

Takes the JSON of Ory Hydra's ``list oauth2-clients`` (v2, v25, v26) or of Keycloak's realm export. What cannot be carried
over stands above the command as a comment; a command that is not complete is a comment itself. Run again, they pass over
clients that are there. Secrets that Keycloak exported become files for you alone to read.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

GRANT_TYPES = {"authorization_code", "client_credentials", "refresh_token", "password"}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
OF_KEYCLOAK_ITSELF = {"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
OF_KEYCLOAK_SCOPES = {
    "acr",
    "basic",
    "microprofile-jwt",
    "organization",
    "role_list",
    "roles",
    "service_account",
    "web-origins",
}
"""Client scopes that only gather mappers of Keycloak: they mean nothing here."""
ABOUT_USERS = {"openid", "profile", "email", "address", "phone", "offline_access"}
MASKED = "**********"
IS_AN_API = (
    "an API, which signs nobody in: let it check tokens by the guard; if it is to introspect them, "
    "mintmark client create NAME --introspect --resource URL"
)
IS_SAML = "SAML is not here: move the application to OpenID Connect, or leave it with Keycloak"
HYDRA_MEMBERS = {
    "--name": "client_name",
    "--jwks-uri": "jwks_uri",
    "--subject-type": "subject_type",
    "--sector-uri": "sector_identifier_uri",
    "--backchannel-uri": "backchannel_logout_uri",
    "--frontchannel-uri": "frontchannel_logout_uri",
    "--skip-consent": "skip_consent",
    "--client-uri": "client_uri",
    "--logo-uri": "logo_uri",
    "--policy-uri": "policy_uri",
    "--tos-uri": "tos_uri",
}
KEYCLOAK_METHODS = {
    "client-secret": "client_secret",
    "client-secret-jwt": "client_secret_jwt",
    "client-jwt": "private_key_jwt",
    "client-x509": "tls_client_auth",
}
KEYCLOAK_FLOWS = {
    "standardFlowEnabled": "authorization_code",
    "serviceAccountsEnabled": "client_credentials",
    "directAccessGrantsEnabled": "password",
}
KEYCLOAK_ATTRIBUTES = {
    "--backchannel-uri": "backchannel.logout.url",
    "--frontchannel-uri": "frontchannel.logout.url",
    "--id-token-alg": "id.token.signed.response.alg",
    "--access-token-lifetime": "access.token.lifespan",
    "--jwks-uri": "jwks.url",
    "--certificate-subject": "x509.subjectdn",
}


def _comment(text: str) -> str:
    """Each line of it, for names and descriptions may have several: none is a command."""
    return "\n".join(f"# {line}" for line in text.splitlines())


class Command:
    """``mintmark client create`` for one client."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.words: list[str] = []
        self.notes: list[str] = []
        self.secret = ""
        self.disabled = False

    def add(self, option: str, *values: object) -> None:
        """An option once for each value that says something; True is the option alone."""
        for value in values:
            self.words += [option] if value is True else [option, str(value)] if value not in (None, "", False) else []

    def redirects(self, option: str, uris: list[str]) -> None:
        """Those that can be registered here, where they are compared letter by letter."""
        for uri in uris:
            parts = urlsplit(uri)
            if "*" in uri:
                self.notes.append(f"{option} {uri}: it stands for several; name each one")
            elif not parts.scheme:
                self.notes.append(f"{option} {uri}: it is not absolute; name it whole")
            elif parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
                self.notes.append(f"{option} {uri}: http is for loopback addresses only; use https")
            else:
                self.add(option, uri)

    def missing(self) -> str:
        """Why it cannot be run as it is; empty where it can."""
        if "authorization_code" in self.words and "--redirect-uri" not in self.words:
            return "it has no --redirect-uri that can be registered here: add one"
        if "private_key_jwt" in self.words and not {"--jwks", "--jwks-uri"} & set(self.words):
            return "its public key is not carried over: add --jwks or --jwks-uri"
        if "tls_client_auth" in self.words and "--certificate-subject" not in self.words:
            return "the subject of its certificate is not carried over: add --certificate-subject"
        return ""

    def lines(self, secrets: Path | None) -> Iterator[str]:
        """Shell, the comments first. A client that is there already stays as it is."""
        yield from (_comment(f"{self.client_id}: {note}") for note in self.notes)
        name = shlex.quote(self.client_id)
        create = shlex.join(["mintmark", "client", "create", self.client_id, *self.words])
        if self.secret and secrets is not None:
            path = secrets / quote(self.client_id, safe="")
            path.touch(mode=0o600)
            path.write_text(self.secret + "\n")
            create += f" --secret-stdin < {shlex.quote(str(path))}"
        script = [f"mintmark client show {name} > /dev/null 2>&1 || {create}"]
        if self.disabled:
            script.append(f"mintmark client disable {name}")
        reason = self.missing()
        if reason:
            yield _comment(f"{self.client_id}: not complete, {reason}")
        yield from (_comment(line) if reason else line for line in script)


class Note(Command):
    """What takes the place of a client that cannot be carried over."""

    def __init__(self, client_id: str, note: str) -> None:
        super().__init__(client_id)
        self.notes.append(note)

    def lines(self, secrets: Path | None) -> Iterator[str]:  # noqa: ARG002
        """The comment alone."""
        yield from (_comment(f"{self.client_id}: {note}") for note in self.notes)


def of_hydra(client: dict[str, Any]) -> Command:
    """A client as Hydra lists it, where no secret is."""
    command = Command(client["client_id"])
    grant_types = client.get("grant_types") or ["authorization_code"]
    for grant_type in grant_types:
        if grant_type in GRANT_TYPES | {DEVICE, ASSERTION}:
            command.add("--grant-type", grant_type)
        elif grant_type != "implicit":
            command.notes.append(f"the grant type {grant_type} is not there")
    response_types = [" ".join(sorted(one.split())) for one in client.get("response_types") or []]
    command.add("--response-type", *(one for one in response_types if one != "token"))
    scopes = ["offline_access" if one == "offline" else one for one in (client.get("scope") or "").split()]
    command.add("--scope", " ".join(dict.fromkeys(scopes)))
    method = client.get("token_endpoint_auth_method") or "client_secret_basic"
    command.add("--auth-method", method)
    if "secret" in method:
        command.notes.append("Hydra tells nobody its secret: it gets a new one, or bring it with --secret-stdin")
    command.add("--jwks", json.dumps(client["jwks"]) if (client.get("jwks") or {}).get("keys") else None)
    command.redirects("--redirect-uri", client.get("redirect_uris") or [])
    command.redirects("--post-logout-uri", client.get("post_logout_redirect_uris") or [])
    command.add("--audience", *(client.get("audience") or []))
    command.add("--access-token-format", "jwt" if client.get("access_token_strategy") == "jwt" else None)
    for option, member in HYDRA_MEMBERS.items():
        command.add(option, client.get(member))
    command.add("--contact", *(client.get("contacts") or []))
    for member in client:
        if member.endswith("_lifespan") and client[member]:
            command.notes.append(f"{member} {client[member]}: see --access-token-lifetime, --refresh-idle-lifetime")
    return command


def of_keycloak(client: dict[str, Any]) -> Command:
    """A client of a realm export."""
    command, attributes = Command(client["clientId"]), client.get("attributes") or {}
    kind = client.get("clientAuthenticatorType", "client-secret")
    method = "none" if client.get("publicClient") else KEYCLOAK_METHODS.get(kind, "client_secret")
    command.add("--auth-method", method)
    grant_types = _grant_types(client, attributes)
    signs_in = "authorization_code" in grant_types
    command.add("--grant-type", *grant_types)
    command.add("--scope", " ".join(_scopes(client, has_users=set(grant_types) != {"client_credentials"})))
    root = (client.get("rootUrl") or "").rstrip("/")
    uris = [root + uri if uri.startswith("/") and "$" not in root else uri for uri in client.get("redirectUris") or []]
    command.redirects("--redirect-uri", uris)
    after = attributes.get("post.logout.redirect.uris") or ""
    command.redirects("--post-logout-uri", [uri for uri in after.split("##") if uri and uri != "+"])
    for option, name in KEYCLOAK_ATTRIBUTES.items():
        command.add(option, attributes.get(name))
    command.add("--dpop", attributes.get("dpop.bound.access.tokens") == "true")
    command.add("--certificate-bound", attributes.get("tls.client.certificate.bound.access.tokens") == "true")
    command.add("--require-pkce", attributes.get("pkce.code.challenge.method") == "S256")
    command.add("--skip-consent", not client.get("consentRequired") and signs_in)
    command.add("--access-token-format", "jwt")
    command.add("--name", client.get("name"))
    command.add("--description", client.get("description"))
    command.disabled = client.get("enabled") is False
    if client.get("secret") not in (None, "", MASKED) and "secret" in method:
        command.secret = client["secret"]
    elif "secret" in method:
        command.notes.append("its secret is not in the export: it gets a new one, or bring it with --secret-stdin")
    if client.get("protocolMappers"):
        command.notes.append("protocol mappers are not carried over: see --id-token-claim, --access-token-claim")
    return command


def _grant_types(client: dict[str, Any], attributes: dict[str, str]) -> list[str]:
    grant_types = [grant_type for flow, grant_type in KEYCLOAK_FLOWS.items() if client.get(flow)]
    if attributes.get("oauth2.device.authorization.grant.enabled") == "true":
        grant_types.append(DEVICE)
    if attributes.get("use.refresh.tokens", "true") == "true" and set(grant_types) - {"client_credentials"}:
        grant_types.append("refresh_token")
    return grant_types


def _scopes(client: dict[str, Any], *, has_users: bool) -> list[str]:
    """Those that mean something here; none about users where its tokens are of no user."""
    scopes = [*(client.get("defaultClientScopes") or []), *(client.get("optionalClientScopes") or [])]
    left_out = OF_KEYCLOAK_SCOPES if has_users else OF_KEYCLOAK_SCOPES | ABOUT_USERS
    return [scope for scope in dict.fromkeys(["openid", *scopes]) if scope not in left_out]


def commands(exported: dict[str, Any]) -> Iterator[Command]:
    """Those for the clients of an export, whichever system made it."""
    if "realm" not in exported:
        yield from map(of_hydra, exported["items"])
        return
    for client in exported.get("clients", []):
        client_id = client["clientId"]
        if client_id in OF_KEYCLOAK_ITSELF:
            continue
        if client.get("protocol", "openid-connect") != "openid-connect":
            yield Note(client_id, IS_SAML)
        elif client.get("bearerOnly") or not _grant_types(client, client.get("attributes") or {}):
            yield Note(client_id, IS_AN_API)
        else:
            yield of_keycloak(client)


def main() -> None:
    """Print the commands."""
    parser = argparse.ArgumentParser(description="Clients of Hydra or Keycloak, as commands of mintmark.")
    parser.add_argument("file", help="the JSON; - for standard input")
    parser.add_argument("--secrets", type=Path, help="a folder for the secrets of the export, a file each")
    options = parser.parse_args()
    try:
        exported = json.loads(sys.stdin.read() if options.file == "-" else Path(options.file).read_text())
    except (OSError, ValueError) as error:
        parser.error(f"{options.file} cannot be read as JSON: {error}")
    if not isinstance(exported, dict) or not {"realm", "items"} & exported.keys():
        parser.error(f"{options.file} is neither what `hydra list oauth2-clients` writes nor an export of one realm")
    if options.secrets is not None and not options.secrets.exists():
        options.secrets.mkdir(mode=0o700)
        (options.secrets / ".gitignore").write_text("*\n")
    print("set -eu")
    for command in commands(exported):
        print(*command.lines(options.secrets), sep="\n")
    if exported.get("is_last_page") is False:
        print("# There are more clients: list them with a larger --page-size, or from the page after this one.")


if __name__ == "__main__":
    main()
