"""The order of tests: the longest begin first in each test process, so that all processes end together."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

LONGEST = (
    "attacks/test_dying_primaries.py",
    "image/test_dockerfile.py",
    "journeys/test_races.py",
    "browser/test_console.py",
    "journeys/test_upgrade_under_load.py",
    "loadtests/test_distributed.py",
    "journeys/test_redis_under_load.py",
    "journeys/test_keys_of_many.py",
    "loadtests/test_peers.py",
    "journeys/test_restarts.py",
    "loadtests/test_interpreter.py",
    "login/test_elsewhere_undecided.py",
    "protocol/test_authorization_request_properties.py",
    "journeys/test_client_members.py",
    "fronts/admin_api/test_admin_api_by_schema.py",
    "browser/test_clients_in_browser.py",
    "journeys/test_readme.py",
    "deploy/test_deploy_runs.py",
    "cli/test_cli_demo.py",
    "journeys/test_ending_races.py",
    "docs/test_commands_on_pages.py",
    "docs/test_programs.py",
    "test_workers.py",
    "journeys/test_mcp_page.py",
    "journeys/test_dual_stack.py",
    "journeys/test_restore.py",
)
"""Files in `tests/` with the longest tests, by the seconds of a test on a busy machine."""


def longest_first(items: Sequence[Item], files: Sequence[str], workers: int) -> list[Item]:
    """Order tests for pytest-xdist, which gives each process a stretch of the list, all about as long.

    Args:
        items: The tests, in any order.
        files: The file of each, below `tests/`. Tests of one file stay together, as they share fixtures.
        workers: The number of processes.
    """
    of_file: dict[str, list[Item]] = defaultdict(list)
    for item, file in zip(items, files, strict=True):
        of_file[file].append(item)
    stretches: list[list[Item]] = [[] for _ in range(workers)]
    for number, file in enumerate(name for name in LONGEST if name in of_file):
        stretches[number % workers] += of_file.pop(file)
    for tests in of_file.values():
        min(stretches, key=len).extend(tests)
    return [item for stretch in stretches for item in stretch]
