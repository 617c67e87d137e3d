"""docs/how-to/redis.md says what is so: versions that are proved, the user that is enough, every right that is tried."""

import re
from pathlib import Path

from service.dev.embedded_redis import bundled_servers, version_of
from service.observe.metrics import WRITE_REFUSALS
from service.store import rights
from service.store.keys import Keys
from tests.kept_redis import RECOMMENDED, servers

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "redis.md").read_text()


OTHERS = {"Valkey 7", "Valkey 8", "Redis 8"}
"""What somebody's machine may have, and CI has not."""


def test_every_server_that_the_tests_run_on_is_named() -> None:
    assert "(Valkey 7.2 and 8, Redis 7.2 to 8)" in TEXT
    proved = {
        f"{server} {version}" for server, version in re.findall(r"^\| (Valkey|Redis) \| (\d+) \|", TEXT, re.MULTILINE)
    }
    assert proved | OTHERS >= set(servers())
    embedded = [version_of(server) for server in bundled_servers()]
    assert {f"{name} {version[0]}" for name, version in embedded} <= proved


def test_the_documented_user_is_the_one_that_the_tests_use() -> None:
    assert f"user mintmark on >secret {' '.join(RECOMMENDED)}\nuser default off ~* &* +@all\n" in TEXT


def test_every_right_that_is_tried_is_documented() -> None:
    needed = (
        *rights._commands("k"),
        *rights._since_7("k"),
        *rights._published(Keys()),
        *rights._IN_CLUSTER,
        *rights.OPTIONAL,
    )
    names = {rights._name(command) for command in needed}
    documented = {name.replace("\\", "") for name in re.findall(r"`([a-z|\\]+)`", TEXT)}
    assert names <= documented, names - documented


def test_every_reason_of_not_being_ready_is_documented() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \| [A-Za-z, ]+ \| ", TEXT, re.MULTILINE) == list(WRITE_REFUSALS)
