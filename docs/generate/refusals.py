"""Refused requests, from the table of refusals."""

from service.observe.refusals import MOST_A_MINUTE, MOST_OF_A_CLIENT
from service.protocol.refusal_reasons import REFUSALS, UNKNOWN
from service.store.refused_requests import LENGTH, SECONDS

_HEAD = f"""# Refused requests: error, cause, what to do

A client gets an error and no more than it may know; the operator sees the reason. Each refusal is

- a log line `refused` with `error`, `reason_code` (of the table below), `reason` (in words), `request_id` and the
  `client_id` of the client that the request names, if there is one, also where it did not prove itself. Every other line
  about the request names it too, the access log included: `grep '"client_id":"web"'` finds all there is of a client. Calls
  of the decision API have it in their line `decision_api_call`. A wrong password on the login page is a line `login_failed`,
  or that of the limit that delays it (`user_blocked` and the like), both with `reason_code`; a wrong token of an operator is
  `operator_refused`, in the log and the metrics only;
- counted in `mintmark_refusals_total` by `endpoint`, `error` and `reason`;
- at "Refused lately" in the console, in `mintmark refused list --client web` (with `--json`) and at
  `GET /admin/v1/refused`: of all processes, with what to do. About {LENGTH:,} are kept, for {SECONDS // 86400} days after
  the last one. Of a minute each process keeps {MOST_A_MINUTE}, and {MOST_OF_A_CLIENT} of one client (or of those who name
  none that exists): in a flood log and metrics are complete, this list is a sample.

`{UNKNOWN}` is the reason of what is in no row.

| error | reason | causes | what to do |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = (f"| `{one.error}` | `{one.reason}` | {one.cause} | {one.remedy} |\n" for one in REFUSALS)
    return _HEAD + "".join(rows)
