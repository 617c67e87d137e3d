"""Authorization codes for locust's users, made a few at a time, as they are valid for a minute only.

With access to Redis they come from the process ``code_issuer.py``. Otherwise, for example in Kubernetes, they come from the
admin API (LOAD_ADMIN_URL, LOAD_ADMIN_TOKEN), for users that are created for this.
"""

import hashlib
import json
import os
import secrets
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any, Protocol

import gevent.lock
import requests

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 20
GOOD_FOR = 20
"""Seconds after which a code is not used any more."""
USERS = 50
"""The number of users for whom the admin API issues codes."""

Code = dict[str, Any]
"""A code with ``code``, ``code_verifier``, ``subject``, and ``redirect_uri`` where the token request must name it."""


class Source(Protocol):
    """A source of codes."""

    def fetch(self, count: int) -> list[Code]:
        """Make so many codes. Raises RuntimeError."""

    def close(self) -> None:
        """End the source."""


class Codes:
    """Fresh codes for many greenlets."""

    def __init__(self, client_id: str) -> None:
        url, token = os.environ.get("LOAD_ADMIN_URL"), os.environ.get("LOAD_ADMIN_TOKEN", "")
        self._source: Source = AdminApi(url, token, client_id) if url else IssuerProcess(client_id)
        self._ready: list[Code] = []
        self._fetched_at = 0.0
        self._turn = gevent.lock.BoundedSemaphore()

    def take(self) -> Code:
        """Return a fresh code. Raises RuntimeError where there are none."""
        with self._turn:
            if not self._ready or time.monotonic() - self._fetched_at > GOOD_FOR:
                self._ready = self._source.fetch(AT_ONCE)
                self._fetched_at = time.monotonic()
            return self._ready.pop()

    def close(self) -> None:
        """End the source."""
        self._source.close()


class IssuerProcess:
    """A source of codes: a process with the service's own code."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._process: subprocess.Popen[str] | None = None

    def fetch(self, count: int) -> list[Code]:
        if self._process is None:
            command = [sys.executable, "-m", "loadtests.code_issuer", self._client_id]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        requests_to, codes_from = self._process.stdin, self._process.stdout
        assert requests_to is not None
        assert codes_from is not None
        requests_to.write(f"{count}\n")
        requests_to.flush()
        lines = [codes_from.readline() for _ in range(count)]
        if not all(lines):
            raise RuntimeError("the issuer of codes has ended: its complaint is on standard error")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(60)
            self._process = None


class AdminApi:
    """A source of codes: the admin API, by which an operator issues them for users."""

    def __init__(self, url: str, token: str, client_id: str) -> None:
        self._url = url.rstrip("/") + "/admin/v1"
        self._client_id = client_id
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._users: list[str] = []

    def fetch(self, count: int) -> list[Code]:
        if not self._users:
            self._users = [f"load-{number}" for number in range(USERS)]
            for name in self._users:
                self._post("/users", {"username": name}, there_already=True)
        return [self._one() for _ in range(count)]

    def _one(self) -> Code:
        subject, verifier = secrets.choice(self._users), secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        members = {"client": self._client_id, "user": subject, "scope": "read write"}
        made = self._post("/codes", members | {"code_challenge": challenge, "code_challenge_method": "S256"})
        return {"code": made["code"], "code_verifier": verifier, "subject": subject}

    def _post(self, path: str, members: dict[str, Any], *, there_already: bool = False) -> dict[str, Any]:
        response = self._session.post(self._url + path, json=members, timeout=10)
        if response.status_code == 201 or (there_already and response.status_code == 409):
            body: dict[str, Any] = response.json()
            return body
        raise RuntimeError(f"the admin API answered {response.status_code} to {path}: {response.text[:200]}")

    def close(self) -> None:
        self._session.close()
