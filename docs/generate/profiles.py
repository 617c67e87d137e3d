"""Security profiles, from the tables of their rules."""

from service.protocol.profiles import PROFILES, Rule

_HEAD = """# Security profiles: FAPI 2.0, FAPI 1.0 Advanced, OAuth 2.1

One word switches every rule that a profile demands, and refuses what contradicts it. It is said of a client:

```console
mintmark client create bank --profile fapi2_security --auth-method private_key_jwt \\
    --jwks-uri https://bank.example/jwks --grant-type authorization_code --grant-type refresh_token \\
    --redirect-uri https://bank.example/callback --scope "openid accounts"
```

or of all clients, by the setting `profile = "fapi2_security"`. Where both have one the rules of both count: the
profile of a client can be stricter than that of the settings, never looser.

- **What is not said follows.** A member of the client that is as by default becomes what the profile demands
  (requests pushed, PKCE, DPoP unless its tokens are bound to its certificate, codes of 60 seconds at most, no
  rotation …), and so does a setting that is not set. It is written into the client: `mintmark client show` shows what
  counts, and it stays when the profile is taken away.
- **What contradicts it is refused**, with the section where it is written: settings at the start, clients when they
  are made or changed, by whomever (`invalid_client_metadata` where a client registers itself), requests with a
  registered error.
- **Clients that are older than the setting**, or than a rule of their own profile, and do not keep it are refused
  (`unauthorized_client`) until they are updated; any `mintmark client update` sets what is not set. APIs that only
  introspect are not concerned.
- **Who has no profile** is asked nothing, and pays nothing.

What is missing of a client, before anything is changed:

```console
mintmark client check web --profile fapi2_security
```

says rule by rule what holds, the section, and what to do; `GET /admin/v1/clients/{client_id}/check` the same as JSON.
*set by --profile*: nothing needs to be done but to give the client its profile.

FAPI 1.0 Advanced binds tokens to certificates, so the settings must say where those come from
([certificates of clients](../how-to/mtls.md)).
Its clients may send assertions with other audiences than the issuer where `assertion_audience` takes them; FAPI 2.0
takes the issuer alone, as one string. `fapi2_message_signing` and `fapi1_advanced` need a signing key. Rules about
TLS itself (versions, cipher suites, HSTS) are for who ends it: our own listeners speak TLS 1.2 and 1.3 with forward
secrecy.

The OpenID Foundation's conformance suite (5.2.4) has plans for FAPI 2.0 Security Profile, FAPI 2.0 Message Signing and
FAPI 1.0 Advanced. Each variant of them passes with the setting `profile`, [settings about certificates](../how-to/mtls.md)
and, for FAPI 1.0, `assertion_audience = "several"`: [how to run them](../../tests/conformance/README.md).

What each profile demands follows. *client*: when a client is made or changed; *settings*: at the start; *requests*:
at each; *always*: holds here of every client. A request, client or setting that breaks each of them is in
`tests/attacks/test_profile_attacks.py`.
"""


def _checked(rule: Rule) -> str:
    where = {
        "client": rule.holds is not Rule._field_defaults["holds"],
        "settings": bool(rule.settings),
        "requests": rule.demands != Rule._field_defaults["demands"],
    }
    return ", ".join(name for name, is_there in where.items() if is_there) or "always"


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, profile in PROFILES.items():
        parts.append(
            f"\n## {profile.title}: `{name.value}`\n\n| rule | what it demands | where | checked |\n|---|---|---|---|\n"
        )
        parts += [f"| `{one.name}` | {one.text} | {one.section} | {_checked(one)} |\n" for one in profile.rules]
    return "".join(parts)
