"""The table of peers: printed, in a page between two marks, and as JSON that becomes the same table again."""

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from loadtests import bench_peers, peer_report
from loadtests.peer_report import BEGIN, END, Figures, Row, Run
from loadtests.peers import PEERS
from loadtests.peers.works import PEER_WORKS

FACTS = {
    "date": "2026-11-29T12:00:00+00:00",
    "commit": "abc1234",
    "cores": 2,
    "processor": "a processor",
    "python": "3.11.2 optimised",
    "aiohttp": "3.14.5",
    "uvloop": "0.23.0",
    "redis": "7.0.15",
    "wrk": "4.1.0",
    "load_average": 0.1,
    "load_average_after": 2.5,
}
VERSIONS = {"keycloak": {"Keycloak": "26.7.3", "Java": "17.0.15"}, "authlib": {"authlib": "1.9.8"}}
OURS = Figures(60.4, 3.2, 13000.0, 6.0, 1.0, 1.0)
ROWS = [
    Row(
        "client_credentials",
        "client_credentials",
        OURS,
        {"authlib": Figures(1200.0, 300.4, 700.0, 90.0, 19.9, 23.6)},
        2.5,
        0,
        "",
    ),
    Row("refresh", "refresh, rotation", OURS, dict.fromkeys(VERSIONS, OURS), None, 0, ""),
]
RUN = Run(FACTS, VERSIONS, {"node-oidc-provider": "Node.js is not installed"}, ROWS, False)


def test_a_page_gets_the_table_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nan old table\n{END}\nafter\n")
    for _ in range(2):
        page.write_text(peer_report.read_page(page).around(peer_report.as_markdown(RUN)))
    told = page.read_text()
    assert told.startswith(f"before\n{BEGIN}\n\n| work | Mintmark | Keycloak | Authlib |\n| --- |")
    assert told.endswith(f"\n{END}\nafter\n")
    assert "old table" not in told
    assert "| client_credentials | 60 + 3 | – | 1,200 + 300 (× 19.9) |" in told


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nand no end\n")
    with pytest.raises(ValueError, match="no place for the table"):
        peer_report.read_page(page)


def test_notes_tell_versions_warm_up_load_and_what_is_lacking() -> None:
    told = peer_report.as_markdown(RUN)
    assert "Keycloak (Keycloak 26.7.3, Java 17.0.15): " in told
    assert f"{PEERS['keycloak'].warm_up:,} requests of each kind (" in told
    assert "No figure for client_credentials: access tokens are JWTs." in told
    assert "node-oidc-provider was left out: Node.js is not installed" in told
    assert "Load average when it began 0.1, when it ended 2.5" in told


def test_an_earlier_run_gives_the_same_table(tmp_path: Path) -> None:
    run, page = tmp_path / "run.json", tmp_path / "page.md"
    peer_report.write(run, RUN)
    page.write_text(f"{BEGIN}\n{END}\n")
    with pytest.raises(SystemExit, match="0"):
        bench_peers.main(earlier=run, markdown=page)
    assert peer_report.as_markdown(RUN) in page.read_text()


def test_wrong_answers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    peer_report.show(RUN._replace(rows=[replace(ROWS[0], wrong=3, example="500 [oops]")]))
    assert "client_credentials: 3 wrong answers, such as: 500 [oops]" in capsys.readouterr().out


def test_names_are_chosen_in_the_order_of_the_table() -> None:
    assert bench_peers._chosen(["authlib,keycloak"], list(PEERS)) == ["keycloak", "authlib"]
    assert bench_peers._chosen(["refresh", "redeem"], list(PEER_WORKS)) == ["redeem", "refresh"]
    assert bench_peers._chosen(None, list(PEERS)) == list(PEERS)
    with pytest.raises(typer.BadParameter, match="there is no hydra"):
        bench_peers._chosen(["hydra"], list(PEERS))
