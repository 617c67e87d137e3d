"""``mintmark --url``: where the token may go, and how it ends when the service is away, or is none."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.running_service import ByUrl
from tests.operators import TOKEN

by_url = pytest.mark.parametrize("mintmark", ["by_url"], indirect=True)


@by_url
def test_redis_is_not_needed(mintmark: ByUrl) -> None:
    mintmark("user", "create", "alice", "--no-password")
    assert mintmark("user", "show", "alice", "--json").json["username"] == "alice"
    assert "MINTMARK_REDIS_URL" not in mintmark.environment


@by_url
def test_the_token_may_be_in_a_file_and_the_url_an_option(mintmark: ByUrl, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    plain = CommandLine(mintmark.monkeypatch, mintmark.capsys, {})
    plain("--url", mintmark.environment["MINTMARK_URL"], "--token-file", str(path), "client", "list")
    done = plain("--url", mintmark.environment["MINTMARK_URL"], "client", "list", code=4)
    assert "MINTMARK_TOKEN: not set" in done.err
    path.write_text('{"demo": "' + TOKEN + '"}')
    whole = plain("--url", "http://127.0.0.1:1", "--token-file", str(path), "client", "list", code=4)
    assert "give one of its tokens alone" in " ".join(whole.err.split())
    path.write_text("t\u00f6ken" * 8)
    other = plain("--url", "http://127.0.0.1:1", "--token-file", str(path), "client", "list", code=4)
    assert "it must be printable ASCII" in " ".join(other.err.split())
    assert TOKEN not in whole.err
    missing = ("--token-file", str(tmp_path / "none"))
    said = plain("--url", "http://127.0.0.1:1", *missing, "client", "list", code=4).err
    assert said == f"Error: --token-file, or MINTMARK_TOKEN_FILE: {missing[1]}: No such file or directory\n"


@pytest.mark.parametrize("option", ["--ca-file", "--certificate-file", "--key-file"])
def test_a_file_of_tls_that_is_none_is_named_by_its_option(mintmark: CommandLine, tmp_path: Path, option: str) -> None:
    mintmark.variables = {"MINTMARK_URL": "https://127.0.0.1:1", "MINTMARK_TOKEN": TOKEN}
    nonsense, certificate = tmp_path / "nonsense", tmp_path / "certificate"
    certificate.write_text("")
    others = ("--certificate-file", str(certificate)) if option == "--key-file" else ()
    for content in (None, "nonsense"):
        if content:
            nonsense.write_text(content)
        said = mintmark(*others, option, str(nonsense), "client", "list", code=4).err
        assert option in said
        assert str(certificate if content and others else nonsense) in said
        assert "Errno" not in said
        assert "_ssl" not in said


@by_url
def test_a_wrong_token_is_told_without_it(mintmark: ByUrl) -> None:
    variables = mintmark.environment | {"MINTMARK_TOKEN": "wrong-" * 8}
    done = CommandLine(
        mintmark.monkeypatch, mintmark.capsys, {name: variables[name] for name in ("MINTMARK_URL", "MINTMARK_TOKEN")}
    )("client", "list", code=4)
    assert "does not take you for an operator" in done.err
    assert "wrong-" not in done.err


@pytest.mark.parametrize(
    ("url", "code", "text"),
    [
        ("http://127.0.0.1:1", 3, "cannot be reached"),
        ("http://ops.example.com", 4, "must be https"),
        ("ftp://127.0.0.1", 4, "--url, or MINTMARK_URL: must be an http(s) URL"),
        ("http://127.0.0.1:x", 4, "--url, or MINTMARK_URL: its port must be a number"),
        ("http://[", 4, "--url, or MINTMARK_URL: Invalid IPv6 URL"),
        ("https://bob:secret@127.0.0.1", 4, "without user"),
        ("http://127.0.0.1:1?x=y", 4, "without user, query and fragment"),
    ],
)
def test_what_is_no_service_is_told(mintmark: CommandLine, url: str, code: int, text: str) -> None:
    mintmark.variables = {"MINTMARK_URL": url, "MINTMARK_TOKEN": TOKEN}
    done = mintmark("client", "list", code=code)
    assert text in " ".join(done.err.split())
    assert TOKEN not in done.err


@by_url
def test_another_server_at_the_url_is_told(mintmark: ByUrl) -> None:
    variables = {"MINTMARK_URL": mintmark.environment["MINTMARK_URL"] + "/elsewhere", "MINTMARK_TOKEN": TOKEN}
    done = CommandLine(mintmark.monkeypatch, mintmark.capsys, variables)("client", "list", code=3)
    assert "is no admin API (status 404)" in " ".join(done.err.split())


@by_url
def test_a_service_whose_redis_is_away_says_so(mintmark: ByUrl) -> None:
    mintmark("client", "list")
    assert mintmark.serving
    mintmark.serving.break_redis()
    done = mintmark("client", "list", code=3)
    assert "cannot do it: Redis, or another part of the service, is away." in " ".join(done.err.split())


@by_url
def test_names_of_every_kind_arrive(mintmark: ByUrl) -> None:
    for name in ("https://a.example/b?c=d", "a%2Fb", "a+b", "a#b", "Zoë Ülm"):
        mintmark("user", "create", name, "--subject", f"s{len(name)}", "--no-password")
        assert mintmark("user", "show", name, "--json").json["username"] == name
        mintmark("user", "delete", name, "--yes")
    mintmark("trust", "add", "https://ci.example.com/x", "--jwks-uri", "https://ci.example.com/jwks")
    mintmark("trust", "remove", "https://ci.example.com/x", "--yes")


def test_variables_of_commands_are_no_settings_but_typing_errors_are_told(mintmark: CommandLine) -> None:
    mintmark.variables |= {"MINTMARK_CA_FILE": "/x", "MINTMARK_TOKEN": TOKEN}
    mintmark("settings")
    mintmark.variables |= {"MINTMARK_TOKENS": TOKEN}
    assert "MINTMARK_TOKENS: there is no such setting" in mintmark("settings", code=4).err


def test_an_answer_in_pieces_is_read_whole(mintmark: CommandLine) -> None:
    """As it comes from afar, or through a proxy."""

    class InPieces(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"scopes": [{"scope": "read", "description": "x" * 200_000}], "cursor": ""}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for start in range(0, len(body), 50_000):
                self.wfile.write(body[start : start + 50_000])
                self.wfile.flush()
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), InPieces) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mintmark.variables = {"MINTMARK_URL": f"http://127.0.0.1:{server.server_port}", "MINTMARK_TOKEN": TOKEN}
        assert len(mintmark("scope", "list", "--json").out) > 200_000
        server.shutdown()
