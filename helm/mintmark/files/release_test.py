"""What `helm test` does: registers a client, gets a token as others do, has it introspected, revokes it, deletes the client.

Argument: the URL that the service is asked at. Ends with 0 where all answers are as they must be, and says what was not.
"""

import base64
import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


def mintmark(*arguments: str) -> str:
    """Run a command against the same Redis as the service."""
    done = subprocess.run(["mintmark", *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        sys.exit(f"mintmark {' '.join(arguments[:2])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def answer(url: str, data: bytes | None = None, **headers: str) -> dict[str, Any]:
    """What is answered there, empty where that is nothing."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as response:
            found: dict[str, Any] = json.loads(response.read() or b"{}")
            return found
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url} does not answer: {error}. Set test.url where pods do not reach the issuer's name.")


def main(base: str) -> None:
    """The whole life of a token."""
    issuer = urllib.parse.urlsplit(base)
    origin = f"{issuer.scheme}://{issuer.netloc}"
    offered = answer(f"{origin}/.well-known/oauth-authorization-server{issuer.path}")
    client = f"helm-test-{secrets.token_hex(8)}"
    made = mintmark("client", "create", client, "--grant-type", "client_credentials", "--introspect", "--json")
    login = base64.b64encode(f"{client}:{json.loads(made)['client_secret']}".encode()).decode()

    def post(endpoint: str, **form: str) -> dict[str, Any]:
        path = urllib.parse.urlsplit(offered[f"{endpoint}_endpoint"]).path
        return answer(origin + path, urllib.parse.urlencode(form).encode(), Authorization=f"Basic {login}")

    try:
        token = post("token", grant_type="client_credentials")["access_token"]
        before = post("introspection", token=token)["active"]
        post("revocation", token=token)
        after = post("introspection", token=token)["active"]
    finally:
        mintmark("client", "delete", client, "--yes")
    if (before, after) != (True, False):
        sys.exit(f"the token was active: {before}, and after it was revoked: {after}")
    sys.stdout.write(f"{base}: a token was issued, introspected and revoked.\n")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
