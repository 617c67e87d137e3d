"""Runs plans by the API of a conformance suite, and says of each module what came of it.

    python -m tests.conformance.run FOLDER KEY… --suite https://suite.example

FOLDER: what ``tests.conformance.plans`` wrote. Every failure and warning is shown; results/KEY.json has the whole logs.
"""

import argparse
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

_SHOWN = ("FAILURE", "WARNING", "REVIEW", "INTERRUPTED")
_GOOD = {"PASSED", "REVIEW", "SKIPPED"}


class Suite:
    """A running suite. Its certificate is its own: nothing secret goes there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    def ask(self, method: str, path: str, body: str | None = None, **query: str) -> Any:
        """Call the API. Raises HTTPError."""
        url = f"{self._url}/api/{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else body.encode()
        request = Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        with urlopen(request, context=self._tls, timeout=90) as answer:
            return json.load(answer)

    def run(self, plan: str, module: dict[str, Any], seconds: int) -> tuple[str, list[dict[str, Any]]]:
        """Run a module; its result and its log."""
        variant = json.dumps(module.get("variant") or {})
        test = self.ask("POST", "runner", test=module["testModule"], plan=plan, variant=variant)["id"]
        ends = time.monotonic() + seconds
        info = self.ask("GET", f"info/{test}")
        while info["status"] not in ("FINISHED", "INTERRUPTED") and time.monotonic() < ends:
            time.sleep(0.5)
            info = self.ask("GET", f"info/{test}")
        if info["status"] not in ("FINISHED", "INTERRUPTED"):
            self.ask("DELETE", f"runner/{test}")
        return info.get("result") or "UNFINISHED", self.ask("GET", f"log/{test}")


def run_plan(suite: Suite, folder: Path, plan: dict[str, Any], seconds: int) -> Counter[str]:
    """Run each module of a plan; how many came to which result."""
    configuration = (folder / plan["config"]).read_text()
    made = suite.ask("POST", "plan", configuration, planName=plan["plan"], variant=json.dumps(plan["variant"]))
    results: Counter[str] = Counter()
    logs = {}
    for module in made["modules"]:
        result, log = suite.run(made["id"], module, seconds)
        results[result] += 1
        logs[module["testModule"]] = log
        print(f"{result:<11} {module['testModule']}", flush=True)
        for entry in log:
            if entry.get("result") in _SHOWN:
                print(f"    {entry['result']} {entry.get('src')}: {entry.get('msg')}", flush=True)
    kept = folder / "results"
    kept.mkdir(exist_ok=True)
    (kept / f"{plan['key']}.json").write_text(json.dumps(logs))
    print(f"{plan['key']}: {dict(results)}", flush=True)
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run plans; 1 where a module failed, warned or did not end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("keys", nargs="*")
    parser.add_argument("--suite", required=True)
    parser.add_argument("--seconds", type=int, default=240, help="for a module")
    given = parser.parse_args(arguments)
    plans = {plan["key"]: plan for plan in json.loads((given.folder / "plans.json").read_text())}
    if not given.keys:
        print("\n".join(plans))
        return 0
    suite = Suite(given.suite)
    results: Counter[str] = Counter()
    for key in given.keys:
        results += run_plan(suite, given.folder, plans[key], given.seconds)
    return int(bool(set(results) - _GOOD))


if __name__ == "__main__":
    sys.exit(main())
