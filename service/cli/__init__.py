"""The ``mintmark`` command: one file per group of commands. It asks, prints and exits; what it does is in ``admin``.

Results go to standard output (``--json``: one JSON value), messages and logs to standard error.
"""

from service.cli.program import main

__all__ = ["main"]
