"""The ``mintmark`` command: one file per group of commands, for input, output and exit codes. Operations are in ``admin``.

Results go to standard output (``--json``: one JSON value), messages and logs to standard error.
"""

from service.cli.program import main

__all__ = ["main"]
