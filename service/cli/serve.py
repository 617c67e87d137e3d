"""``mintmark serve``: the server."""

import sys
from typing import Annotated

import typer
import uvloop

from service import app
from service.cli.exits import address_explained, redis_explained
from service.cli.json_output import Json, emit
from service.cli.loading import loaded
from service.observe import log
from service.settings.observing import LogFormat, LogLevel
from service.workers import Workers, cores


def serve(
    host: Annotated[str | None, typer.Option(help="Listen on this address; 0.0.0.0 = all.", metavar="ADDRESS")] = None,
    port: Annotated[
        int | None, typer.Option(help="Listen on this port; 0 = any free one.", min=0, max=65535, metavar="PORT")
    ] = None,
    log_level: Annotated[
        LogLevel | None, typer.Option(help="Least level that is logged: DEBUG, INFO, WARNING, ERROR.", metavar="LEVEL")
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="json: one object a line; text: for reading.", metavar="FORMAT")
    ] = None,
    workers: Annotated[
        str | None, typer.Option(help="How many processes serve; auto = one for each processor.", metavar="COUNT")
    ] = None,
    worker: Annotated[int | None, typer.Option(hidden=True, help="This process is one of several workers.")] = None,
    json: Json = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished first (`drain_seconds`).

    Example: `MINTMARK_REDIS_URL=redis://127.0.0.1:6379/0 mintmark serve --port 8080`

    Example: `mintmark serve --workers auto` uses every processor: a process each, on one port, with one `/metrics`.

    Prints the URL on standard output when it is ready, and logs on standard error. What is not given here comes from the
    settings: `mintmark settings`. Ends with exit code 0 after SIGTERM or Ctrl-C.
    """
    settings = loaded(host=host, port=port, log_level=log_level, log_format=log_format, workers=workers)
    log.configure(settings.log_level, settings.log_format)

    def ready(url: str) -> None:
        if json:
            emit({"url": url, "issuer": settings.issuer})
        else:
            sys.stdout.write(f"Mintmark serves {settings.issuer} at {url}\n")
            sys.stdout.flush()

    count = cores() if settings.workers == "auto" else settings.workers
    with (
        redis_explained(settings),
        address_explained(settings, "--port and --host, or MINTMARK_PORT and MINTMARK_HOST"),
    ):
        if worker is not None or count == 1:
            uvloop.run(app.serve(settings, ready, worker))
            return
        code = uvloop.run(Workers(count, _command(log_level, log_format), settings).run(ready))
    if code:
        raise typer.Exit(code)


def _command(log_level: str | None, log_format: str | None) -> list[str]:
    """Return the command of a worker: this one with its log options; it reads other settings as this process does."""
    given = {"--log-level": log_level, "--log-format": log_format}
    chosen = [word for option, value in given.items() if value is not None for word in (option, value)]
    return [sys.executable, "-m", "service", "serve", *chosen]
