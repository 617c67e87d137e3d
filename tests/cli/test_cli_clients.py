"""``mintmark client …``."""

import pytest

from service.admin.client_input import ClientInput
from service.cli import client_options
from service.protocol.names import SubjectType
from service.records.client import Client, Registration
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape

BOTH_WAYS = True
"""Here and by the URL of a running service."""

WEB = ("--grant-type", "authorization_code", "--redirect-uri", "https://app.example/cb", "--scope", "read write")
CRON = ("--grant-type", "client_credentials")
ENCRYPTED = ("id_token", "userinfo", "authorization", "introspection")
MEMBERS = {
    *("client_id", "name", "description", "enabled", "generation", "created_at", "alias", "secrets", "auth_method"),
    *("grant_types", "redirect_uris", "scopes", "default_scope", "audiences", "introspect", "resources", "properties"),
    *("require_pkce", "allow_plain_pkce", "code_lifetime", "access_token_lifetime", "refresh_idle_lifetime"),
    *("refresh_absolute_lifetime", "refresh_limit", "refresh_rotation", "refresh_grace", "public"),
    *("response_types", "application_type", "skip_consent", "subject_type", "sector_identifier_uri"),
    *("id_token_signed_response_alg", "id_token_lifetime", "userinfo_signed_response_alg", "jwks", "jwks_uri"),
    *("request_object_signing_alg", "require_signed_request_object", "request_uris", "default_max_age", "contacts"),
    *("require_auth_time", "default_acr_values", "post_logout_redirect_uris", "backchannel_logout_uri", "tos_uri"),
    *("backchannel_logout_session_required", "frontchannel_logout_uri", "frontchannel_logout_session_required"),
    *("initiate_login_uri", "client_uri", "logo_uri", "policy_uri", "sector_identifier", "registered_itself"),
    *("exchange_from", "exchange_audiences", "exchange_issuers", "etag"),
    *("federated_issuer", "federated_subject", "federated_claims"),
    *("consents_since", "request_object_encryption_alg", "request_object_encryption_enc"),
    *("token_endpoint_auth_signing_alg", "strict_assertion_audience", "access_token_format"),
    *("access_token_signing_alg", "introspection_signed_response_alg", "may_assert_subjects", "access_token_claims"),
    *("id_token_claims", "managed_by"),
    *("authorization_details_types", "authorization_signed_response_alg", "dpop_bound_access_tokens", "profile"),
    *("require_pushed_authorization_requests", "tls_client_certificate_bound_access_tokens"),
    *("tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri"),
    *("tls_client_auth_san_ip", "tls_client_auth_san_email"),
    *("backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"),
    *("backchannel_authentication_request_signing_alg", "backchannel_user_code_parameter"),
    *(f"{what}_encrypted_response_{part}" for what in ENCRYPTED for part in ("alg", "enc")),
}


def test_every_member_has_its_option() -> None:
    assert set(client_options.MEMBERS) | {"client_id"} == set(ClientInput.model_fields)


def test_every_option_arrives(mintmark: CommandLine) -> None:
    options = (
        *("--name", "Web", "--description", "The shop", "--alias", "www", "--auth-method", "client_secret_post"),
        *("--grant-type", "authorization_code", "--grant-type", "refresh_token", "--grant-type", "authorization_code"),
        *("--redirect-uri", "https://app.example/cb", "--redirect-uri", "app:/cb", "--scope", "read write"),
        *("--scope", "delete", "--default-scope", "read delete", "--audience", "https://api.example"),
        *("--introspect", "--resource", "own", "--property", "tier=a:b=c:token", "--property", "n:=[1]:introspection"),
        *("--property", "x=", "--require-pkce", "--allow-plain-pkce", "--code-lifetime", "30"),
        *("--access-token-lifetime", "600", "--refresh-idle-lifetime", "0", "--refresh-absolute-lifetime", "7"),
        *(
            "--access-token-claim",
            "department",
            "--refresh-limit",
            "3",
            "--refresh-rotation",
            "never",
            "--refresh-grace",
            "0",
        ),
    )
    created = mintmark("client", "create", "web", *options, "--json").json
    assert set(created) == MEMBERS | {"client_secret"}
    wanted = {
        **{"name": "Web", "description": "The shop", "alias": "www", "auth_method": "client_secret_post"},
        **{"grant_types": ["authorization_code", "refresh_token"], "scopes": ["read", "write", "delete"]},
        **{"redirect_uris": ["https://app.example/cb", "app:/cb"], "default_scope": "read delete"},
        **{"audiences": ["https://api.example"], "introspect": True, "resources": ["own"], "public": False},
        **{"require_pkce": True, "allow_plain_pkce": True, "code_lifetime": 30, "access_token_lifetime": 600},
        **{"refresh_idle_lifetime": 0, "refresh_absolute_lifetime": 7, "refresh_limit": 3, "refresh_grace": 0},
        **{"refresh_rotation": "never", "enabled": True, "access_token_claims": ["department"]},
    }
    assert {name: created[name] for name in wanted} == wanted
    assert created["properties"] == [
        {"name": "tier", "value": "a:b=c", "in_token_response": True, "in_introspection": False},
        {"name": "n", "value": [1], "in_token_response": False, "in_introspection": True},
        {"name": "x", "value": "", "in_token_response": False, "in_introspection": False},
    ]
    del created["client_secret"]
    assert mintmark("client", "show", "www", "--json").json == created


def test_clients_that_registered_themselves_are_listed_alone(mintmark: CommandLine, redis: Shape) -> None:
    mintmark("client", "create", "ours", *CRON)
    theirs = Client("theirs", registration=Registration("x"))
    redis.primaries()[0].admin.set("mm:client:theirs", theirs.encode())
    listed = mintmark("client", "list", "--self-registered", "--json").json["clients"]
    assert [one["client_id"] for one in listed] == ["theirs"]
    assert len(mintmark("client", "list", "--json").json["clients"]) == 2


def test_a_secret_is_shown_once(mintmark: CommandLine, redis: Shape) -> None:
    created = mintmark("client", "create", "web", *WEB)
    secret = created.out.split()[-1]
    assert created.out.split() == ["client_id", "web", "client_secret", secret]
    assert secret.startswith("mm_cs_")
    assert "cannot be shown again" in created.err
    rotated = mintmark("client", "rotate-secret", "web", "--json").json["client_secret"]
    assert rotated != secret
    mintmark("client", "update", "web", "--managed-by", "kubernetes:shop/web")
    assert "kept by kubernetes:shop/web" in mintmark("client", "rotate-secret", "web", "--keep-old", "--json").err
    mintmark("client", "update", "web", "--managed-by", "")
    shown = [
        *(mintmark("client", "show", "web", *json) for json in ((), ("--json",))),
        *(mintmark("client", "list", *json) for json in ((), ("--json",))),
        mintmark("client", "update", "web", "--name", "Web", "--json"),
    ]
    for text in (*(done.out + done.err for done in shown), str(redis.dump()), created.err):
        assert secret[6:] not in text
        assert rotated[6:] not in text


def test_a_secret_is_imported_from_standard_input(mintmark: CommandLine, redis: Shape) -> None:
    created = mintmark("client", "create", "cron", *CRON, "--secret-stdin", "--json", stdin="imported-secret\n").json
    assert created["client_secret"] is None
    assert [secret["kind"] for secret in created["secrets"]] == ["imported"]
    done = mintmark("client", "rotate-secret", "cron", "--keep-old", "--secret-stdin", stdin="another-secret\r\n")
    assert "another-secret" not in done.out + done.err
    assert "secret" not in str([entry.value for entry in redis.dump().values()]).replace("secrets", "").replace(
        "client_secret_basic", ""
    ).replace("rotate_secret", "").replace('"client_secret"', "")
    assert len(mintmark("client", "show", "cron", "--json").json["secrets"]) == 2
    assert len(mintmark("client", "rotate-secret", "cron", "--drop-old", "--json").json["secrets"]) == 1
    mintmark("client", "rotate-secret", "cron", "--drop-old", code=1)
    mintmark("client", "rotate-secret", "cron", "--drop-old", "--keep-old", code=2)
    mintmark("client", "rotate-secret", "cron", "--secret-prompt", code=2)


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ((), 2, "--grant-type: name at least one"),
        (("--grant-type", "password"), 1, "there is a client 'web' already; `mintmark client update` changes it"),
        (
            ("--grant-type", "telepathy"),
            2,
            "--grant-type: there is no such grant type here; there are authorization_code",
        ),
        (
            ("--grant-type", "authorization_code"),
            2,
            "--redirect-uri: authorization_code needs at least one redirect URI",
        ),
        ((*CRON, "--auth-method", "none"), 2, "client_credentials is for confidential clients"),
        ((*CRON, "--auth-method", "private_key_jwt"), 2, "--auth-method: private_key_jwt needs --jwks or --jwks-uri"),
        ((*WEB, "--auth-method", "none", "--introspect"), 2, "--introspect: a public client cannot prove"),
        ((*WEB, "--auth-method", "none", "--secret-stdin"), 1, "a client with --auth-method none has none"),
        ((*CRON, "--property", "scope=x:token"), 2, "--property: scope is a registered member of token responses"),
        ((*CRON, "--property", "scope"), 2, "NAME=VALUE"),
        ((*CRON, "--property", "n:=[1"), 2, "not JSON"),
        ((*CRON, "--auth-method", "tls"), 2, "client_secret_basic"),
        ((*CRON, "--refresh-limit", "many"), 2, "--refresh-limit"),
        ((*CRON, "--colour", "blue"), 2, "--colour"),
    ],
)
def test_what_is_refused_says_why(mintmark: CommandLine, options: tuple[str, ...], code: int, text: str) -> None:
    mintmark("client", "create", "web", *WEB)
    name = "web" if "--grant-type" in options and "password" in options else "other"
    done = mintmark("client", "create", name, *options, "--json", stdin="some-secret", code=code)
    assert text in " ".join(done.err.replace("│", "").split())
    assert done.out == ""


def test_faults_stand_on_lines_of_their_own(mintmark: CommandLine) -> None:
    done = mintmark("client", "create", "a b", "--grant-type", "x", "--refresh-grace", "999", code=2)
    assert [line.partition(":")[0] for line in done.err.splitlines()] == [
        *("Error", "  CLIENT_ID", "  --grant-type", "  --refresh-grace")
    ]


def test_faults_have_the_names_that_were_typed(mintmark: CommandLine) -> None:
    """An option, and which of several; what is no whole number is told in the same way as one that is too small."""
    uris = ("--redirect-uri", "https://app.example/cb", "--redirect-uri", "http://app.example/cb")
    done = mintmark("client", "create", "web", "--grant-type", "authorization_code", *uris, "--property", "=1", code=2)
    assert [line.partition(": ")[0].strip() for line in done.err.splitlines()[1:]] == [
        *("--redirect-uri (number 2)", "--property (name)")
    ]
    for number, wrong in (("-5", "must be at least 1"), ("abc", "must be a whole number")):
        done = mintmark("client", "create", "cron", *CRON, "--access-token-lifetime", number, code=2)
        assert "--access-token-lifetime" in done.err
        assert wrong in done.err


@pytest.mark.parametrize("option", ["--profile", "--access-token-format", "--refresh-rotation"])
def test_a_word_that_is_none_is_told_without_the_terms_of_a_library(mintmark: CommandLine, option: str) -> None:
    told = " ".join(mintmark("client", "create", "cron", *CRON, option, "jtw", code=2).err.replace("│", "").split())
    assert f"Invalid value for '{option}': 'jtw' is not one of " in told


@pytest.mark.parametrize(
    ("typed", "meant"), [("scope", "scopes"), ("--redirect-uri", "redirect_uris"), ("dpop", "dpop_bound_access_tokens")]
)
def test_which_member_is_to_be_reset_is_guessed(mintmark: CommandLine, typed: str, meant: str) -> None:
    """By its option, or as it is nearly written; only where nothing is near all are listed."""
    mintmark("client", "create", "web", *WEB)
    told = " ".join(mintmark("client", "update", "web", f"--unset={typed}", code=2).err.replace("│", "").split())
    assert f"--unset {typed}: there is no such member; did you mean {meant}?" in told
    assert "did you mean" not in mintmark("client", "update", "web", "--unset", "zzzz", code=2).err


def test_what_is_most_likely_not_meant_is_hinted_at(mintmark: CommandLine) -> None:
    """A comma may be in a scope (RFC 6749 section 3.3), and settings may get a type of authorization details later."""
    done = mintmark("client", "create", "web", *WEB[:-1], "read,write", "--details-type", "payment")
    assert "read,write is one scope" in done.err
    assert "no authorization details of the type payment" in done.err
    assert "is one scope" not in mintmark("client", "update", "web", "--name", "Web").err
    assert "is one scope" not in mintmark("client", "update", "web", "--scope", "read write").err
    assert "a,b is one scope" in mintmark("client", "update", "web", "--scope", "a,b").err
    assert "a,b is one scope" in mintmark("resource", "create", "https://api.example", "--scope", "a,b").err
    assert "c,d is one scope" in mintmark("resource", "update", "https://api.example", "--scope", "c,d").err


def test_clients_are_listed_by_name_and_in_pages(mintmark: CommandLine) -> None:
    for name in ("web", "cron", "api"):
        mintmark("client", "create", name, *CRON)
    listed = mintmark("client", "list", "--json").json
    assert set(listed) == {"clients", "cursor"}
    assert [client["client_id"] for client in listed["clients"]] == ["api", "cron", "web"]
    assert set(listed["clients"][0]) == MEMBERS
    assert listed["cursor"] == ""
    table = mintmark("client", "list", "--limit", "0")
    assert [line.split()[0] for line in table.out.splitlines()] == ["client_id", "api", "cron", "web"]
    assert all(line == line.rstrip() for line in table.out.splitlines())
    assert table.err == "3 clients\n"
    assert mintmark("client", "list", "--cursor", "x", code=1).err.startswith("Error: 'x' is not a cursor")


def test_a_client_is_changed(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", *WEB, "--require-pkce", "--access-token-lifetime", "600")
    changed = mintmark("client", "update", "web", "--scope", "read", "--name", "Web", "--json").json
    assert (changed["scopes"], changed["name"], changed["access_token_lifetime"]) == (["read"], "Web", 600)
    unset = ("--unset", "access_token_lifetime", "--unset", "require_pkce", "--unset", "name")
    changed = mintmark("client", "update", "web", *unset, "--json").json
    assert (changed["access_token_lifetime"], changed["require_pkce"], changed["name"]) == (None, False, "")
    assert mintmark("client", "update", "web", "--name", "W").err == "Client web is changed.\n"
    assert "there is no such member" in mintmark("client", "update", "web", "--unset", "client_id", code=2).err
    assert "Nothing is to be changed" in mintmark("client", "update", "web", code=2).err
    assert "--redirect-uri: " in mintmark("client", "update", "web", "--unset", "redirect_uris", code=1).err
    mintmark("client", "update", "web", "--auth-method", "none")
    again = mintmark("client", "update", "web", "--auth-method", "client_secret_basic")
    assert "It has no secret yet: mintmark client rotate-secret web" in again.err


def test_a_change_that_ends_what_it_was_issued_says_so(mintmark: CommandLine, redis: Shape) -> None:
    pairwise = Client("web", grant_types=CRON[1:], subject_type=SubjectType.PAIRWISE)
    to_public = ("client", "update", "web", "--subject-type", "public")
    ended = "All that it was issued has ended, as it knows its users by another sub now."
    keep(redis, pairwise)
    assert mintmark(*to_public).err.startswith(f"Client web is changed. {ended}\n")
    assert ended not in mintmark(*to_public).err
    keep(redis, pairwise)
    assert mintmark(*to_public, "--json").json["ended"] is True
    assert "ended" not in mintmark(*to_public, "--json").json


def keep(redis: Shape, client: Client) -> None:
    for node in redis.primaries():
        node.admin.set(f"mm:client:{client.client_id}", client.encode())


def test_a_client_is_disabled_enabled_revoked_and_deleted(mintmark: CommandLine) -> None:
    before = mintmark("client", "create", "web", *WEB, "--json").json
    assert mintmark("client", "disable", "web", "--json").json["enabled"] is False
    assert mintmark("client", "enable", "web", "--json").json["enabled"] is True
    assert mintmark("client", "revoke", "web", "--yes", "--json").json["generation"] > before["generation"]
    assert mintmark("client", "delete", "web", "--yes", "--json").json == {"client_id": "web", "deleted": True}
    for command in (("show",), ("disable",), ("enable",), ("revoke", "-y"), ("delete", "-y"), ("rotate-secret",)):
        done = mintmark("client", command[0], "web", *command[1:], code=1)
        assert done.err == "Error: there is no client 'web'; `mintmark client list` shows all\n"
        assert done.out == ""


@pytest.mark.parametrize("command", ["revoke", "delete"])
def test_what_cannot_be_undone_is_asked_for(mintmark: CommandLine, command: str) -> None:
    before = mintmark("client", "create", "web", *WEB, "--json").json
    assert "say --yes" in mintmark("client", command, "web", code=2).err
    del before["client_secret"]
    assert mintmark("client", "show", "web", "--json").json == before


def test_a_name_hides_nothing_from_operators(mintmark: CommandLine) -> None:
    """For people it is spelled out; programs get it as it is."""
    mintmark("client", "create", "turned", *WEB, "--name", "App\u202egnp.exe")
    for command in (("list",), ("show", "turned")):
        told = mintmark("client", *command).out
        assert "App\\u202egnp.exe" in told
        assert "\u202e" not in told
    assert mintmark("client", "show", "turned", "--json").json["name"] == "App\u202egnp.exe"


def test_one_that_registered_itself_is_approved(mintmark: CommandLine, redis: Shape) -> None:
    theirs = Client("theirs", "App", redirect_uris=("https://app.example/cb",), registration=Registration("x"))
    keep(redis, theirs)
    assert mintmark("client", "show", "theirs", "--json").json["approved"] is False
    done = mintmark("client", "approve", "theirs")
    assert "Client theirs is approved: App, leads to https://app.example/cb." in done.out + done.err
    assert mintmark("client", "approve", "theirs", "--json").json["approved"] is True
    assert mintmark("client", "approve", "theirs", "--withdraw", "--json").json["approved"] is False
    mintmark("client", "create", "web", *WEB)
    assert "approved" not in mintmark("client", "show", "web", "--json").json
    assert "did not register itself" in mintmark("client", "approve", "web", code=1).err


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        (("--scope", "read"), True),
        (("--unset", "audiences"), True),
        (("--scope", "read", "--json"), True),
        (("--scope", "read write delete"), False),
        (("--audience", "https://api.example"), False),
        (("--description", "The shop"), False),
    ],
)
def test_who_takes_scopes_away_is_told_what_keeps_them(
    mintmark: CommandLine, options: tuple[str, ...], is_told: bool
) -> None:
    mintmark("client", "create", "web", *WEB, "--scope", "read write", "--audience", "https://api.example")
    changed = mintmark("client", "update", "web", *options)
    assert ("To end it: mintmark client revoke web" in changed.err) == is_told


@pytest.mark.parametrize(
    ("options", "is_suggested"),
    [
        (("--scope", "openid"), True),
        (("--scope", "openid", "--id-token-alg", "RS256"), False),
        (("--scope", "read"), False),
        (("--scope", "openid", "--json"), False),
    ],
)
def test_es256_is_suggested_for_id_tokens(mintmark: CommandLine, options: tuple[str, ...], is_suggested: bool) -> None:
    sign_in = ("--grant-type", "authorization_code", "--redirect-uri", "https://app.example/cb")
    created = mintmark("client", "create", "web", *sign_in, *options)
    assert ("mintmark client update web --id-token-alg ES256" in created.err) == is_suggested
