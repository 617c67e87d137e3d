"""Simulated users for locust: ``make load``, or ``python -m locust -f loadtests/locustfile.py Refresh``.

ClientCredentials, AuthorizationCode, Refresh, Introspection, Mixed: name one, or choose by tag (``--tags refresh``). Every
response is checked; a wrong body is a failure. Settings are environment variables, the same for every worker:

LOAD_CLIENT_ID, LOAD_CLIENT_SECRET  the client (client_secret_basic); default: the demo's
LOAD_PAUSE                          average seconds between two requests of a user; default: 0.1
LOAD_MIX                            weights of Mixed: client_credentials=60,introspection=30,refresh=8,authorization_code=2
LOAD_P99_LIMIT                      milliseconds; starts the search for the knee (more users until p99 exceeds it)
LOAD_STEP_USERS, LOAD_STEP_SECONDS  a step of that search; default: 20 users, 20 seconds
MINTMARK_REDIS_URL                  the Redis that codes are written to (see code_issuer.py); default: the demo's
LOAD_ADMIN_URL, LOAD_ADMIN_TOKEN    the admin API, if codes come from it (see codes.py)
"""

import json
import os
import random
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust import FastHttpUser, LoadTestShape, between, events, tag, task

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from loadtests import answers  # noqa: E402
from loadtests.codes import Codes  # noqa: E402
from loadtests.knee import Steps  # noqa: E402

CLIENT_ID = os.environ.get("LOAD_CLIENT_ID", "demo")
CLIENT_SECRET = os.environ.get("LOAD_CLIENT_SECRET", "demo-secret")
PAUSE = float(os.environ.get("LOAD_PAUSE", "0.1"))
P99_LIMIT = float(os.environ.get("LOAD_P99_LIMIT", "0"))
STEP_USERS = int(os.environ.get("LOAD_STEP_USERS", "20"))
STEP_SECONDS = float(os.environ.get("LOAD_STEP_SECONDS", "20"))
MIX = {"client_credentials": 60, "introspection": 30, "refresh": 8, "authorization_code": 2}
MIX |= {
    name: int(weight)
    for name, _, weight in (p.partition("=") for p in os.environ.get("LOAD_MIX", "").split(","))
    if name
}
SCOPE = "read write"
KNEE_FILE = ROOT / "artifacts" / "knee.json"

Body = dict[str, Any]
Check = Callable[[Body], str]


CODES = Codes(CLIENT_ID)


# what a user does


class Caller(FastHttpUser):
    """A client of the token service.

    ``session`` has the tokens of a user's grant with their subject. ``own`` is a token of the client itself, with the time at
    which it is to be replaced.
    """

    abstract = True
    host = "http://127.0.0.1:8080"
    wait_time = between(PAUSE / 2, PAUSE * 1.5)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session: Body | None = None
        self.own: tuple[str, float] | None = None

    def post(self, name: str, path: str, form: dict[str, str], wrong: Check) -> Body | None:
        """Return the body of a correct response with status 200; otherwise count a failure and return None."""
        with self.client.post(
            path, data=form, auth=(CLIENT_ID, CLIENT_SECRET), name=name, catch_response=True
        ) as response:
            try:
                body = json.loads(response.text) if response.text else {}
            except ValueError:
                body = {}
                response.failure("no JSON")
                return None
            if response.status_code != 200:
                response.failure(f"{response.status_code} {body.get('error')}")
                return None
            if complaint := wrong(body):
                response.failure(complaint)
                return None
        return body

    # the steps of journeys

    def ask(self) -> Body | None:
        """Get a token for the client itself."""
        form = {"grant_type": "client_credentials", "scope": SCOPE}
        return self.post(
            "client_credentials", "/token", form, lambda body: answers.wrong_tokens(body, SCOPE, refresh=False)
        )

    def redeem(self) -> Body | None:
        """Begin a session with a code."""
        code = CODES.take()
        subject = code.pop("subject")
        form = {"grant_type": "authorization_code", **code}
        tokens = self.post("code", "/token", form, lambda body: answers.wrong_tokens(body, SCOPE, refresh=True))
        return tokens and {**tokens, "sub": subject}

    def rotate(self, session: Body) -> Body | None:
        """Refresh the tokens of a session."""
        used = session["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": used}
        tokens = self.post("refresh", "/token", form, lambda body: answers.wrong_rotation(body, SCOPE, used))
        return tokens and {**tokens, "sub": session["sub"]}

    def look(self, name: str, token: str, wrong: Check) -> None:
        """Introspect a token."""
        self.post(name, "/introspect", {"token": token, "token_type_hint": "access_token"}, wrong)

    # what the tasks are made of

    def do_client_credentials(self) -> None:
        self.ask()

    def do_authorization_code(self) -> None:
        """Begin a session, introspect and refresh its tokens, and revoke them."""
        session = self.redeem()
        if session is None:
            return
        whose = session["sub"]
        self.look("introspect", session["access_token"], lambda body: answers.wrong_active(body, CLIENT_ID, whose))
        session = self.rotate(session)
        if session is None:
            return
        self.post("revoke", "/revoke", {"token": session["refresh_token"]}, lambda body: "a body" if body else "")
        self.look("introspect, revoked", session["access_token"], answers.wrong_inactive)

    def do_refresh(self) -> None:
        """Refresh the session, or begin a new one where it is lost."""
        self.session = self.rotate(self.session) if self.session else self.redeem()

    def do_introspection(self) -> None:
        """Introspect a token as a resource server does for each request; one in twenty tokens was never issued."""
        if random.random() < 0.05:
            self.look("introspect, unknown", f"mm_at_{secrets.token_urlsafe(49)[:65]}", answers.wrong_inactive)
            return
        if self.own is None or time.monotonic() > self.own[1]:
            tokens = self.ask()
            if tokens is None:
                return
            self.own = (tokens["access_token"], time.monotonic() + tokens["expires_in"] / 2)
        self.look("introspect", self.own[0], lambda body: answers.wrong_active(body, CLIENT_ID))


# the users


class ClientCredentials(Caller):
    """A machine that requests a token of its own each time."""

    @tag("client_credentials")
    @task
    def client_credentials(self) -> None:
        self.do_client_credentials()


class AuthorizationCode(Caller):
    """A user's session, from the code to the logout."""

    @tag("authorization_code")
    @task
    def authorization_code(self) -> None:
        self.do_authorization_code()


class Refresh(Caller):
    """A long-lived session that keeps refreshing."""

    @tag("refresh")
    @task
    def refresh(self) -> None:
        self.do_refresh()


class Introspection(Caller):
    """A resource server."""

    @tag("introspection")
    @task
    def introspection(self) -> None:
        self.do_introspection()


class Mixed(Caller):
    """All kinds of requests, by the weights of LOAD_MIX."""

    @tag("mixed")
    @task(MIX["client_credentials"])
    def client_credentials(self) -> None:
        self.do_client_credentials()

    @tag("mixed")
    @task(MIX["authorization_code"])
    def authorization_code(self) -> None:
        self.do_authorization_code()

    @tag("mixed")
    @task(MIX["refresh"])
    def refresh(self) -> None:
        self.do_refresh()

    @tag("mixed")
    @task(MIX["introspection"])
    def introspection(self) -> None:
        self.do_introspection()


# how many users


class Knee(LoadTestShape):
    """A load shape with more and more users until p99 exceeds the limit."""

    abstract = not P99_LIMIT

    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps(STEP_USERS, STEP_SECONDS, P99_LIMIT)

    def tick(self) -> tuple[int, float] | None:
        total = self.runner.stats.total
        p99 = total.get_current_response_time_percentile(0.99) or 0
        users = self.steps.wanted(self.get_run_time(), total.current_rps, p99, total.current_fail_per_sec)
        return None if users is None else (users, STEP_USERS)


@events.init.add_listener
def _leave_out_users_without_tasks(environment: Any, **_: Any) -> None:
    """Leave out users without tasks: ``--tags`` removes tasks at the start, and a user with none would only fail."""
    wanted = set(environment.parsed_options.tags or ())
    if wanted:
        kept = [each for each in environment.user_classes if any(wanted & one.locust_tag_set for one in each.tasks)]
        environment.user_classes[:] = kept


@events.quitting.add_listener
def _end(environment: Any, **_: Any) -> None:
    CODES.close()
    shape = environment.shape_class
    if isinstance(shape, Knee) and shape.steps.seen:
        print(shape.steps.summary(), file=sys.stderr)
        KNEE_FILE.parent.mkdir(exist_ok=True)
        seen = [step._asdict() for step in shape.steps.seen]
        knee = shape.steps.knee
        KNEE_FILE.write_text(json.dumps({"limit": P99_LIMIT, "steps": seen, "knee": knee and knee._asdict()}, indent=2))
