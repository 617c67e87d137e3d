"""The ``mintmark`` command: one file per group of commands, for input, output and exit codes. Operations are in ``admin``.

Results go to standard output (``--json``: one JSON value), messages and logs to standard error.
"""

from service.outbound.system_authorities import import_aiohttp

import_aiohttp()

from service.cli.program import main  # noqa: E402

__all__ = ["main"]
