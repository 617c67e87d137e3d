"""``mintmark demo``: a whole service on this machine, with commands to try."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
import uvloop
from rich.text import Text

from service import app
from service.cli.exits import REFUSED, address_explained, redis_explained
from service.cli.json_output import Json, emit
from service.cli.loading import loaded
from service.cli.output import say, terminal
from service.cli.usage import WrongUsage
from service.dev import callback, mcp_demo
from service.dev import demo as what
from service.dev.check import CheckResult, run_checks
from service.dev.embedded_redis import EmbeddedRedis, EmbeddedRedisFailed, EmbeddedRedisInUse
from service.observe import log
from service.protocol.credentials import Kind, new_secret
from service.settings import PREFIX, Settings, origins

DATA = what.DEMO_FOLDER / "redis"


def demo(
    port: Annotated[
        int,
        typer.Option(envvar=f"{PREFIX}PORT", help="Serve on 127.0.0.1 at this port.", min=1, max=65535, metavar="PORT"),
    ] = 8080,
    redis: Annotated[
        str | None,
        typer.Option(help="Use this Redis; otherwise one is started, with its data in .mintmark/.", metavar="URL"),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check the service over HTTP, print the answers, and end; nothing is stored.", metavar=""
        ),
    ] = False,
    mcp: Annotated[
        bool,
        typer.Option(
            "--mcp", help="Also start an MCP server, whose clients register and sign in by themselves.", metavar=""
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Start a service to experiment with, with a client, a user and the console, and print commands to try. Ctrl-C ends it.

    Example: `mintmark demo`

    Example: `mintmark demo --mcp`

    Example: `mintmark demo --check`

    With --check it tests itself over HTTP on a free port, and the exit code is 1 if any answer is wrong.
    """
    if mcp and not mcp_demo.is_installed():
        raise WrongUsage("--mcp needs the Python SDK of MCP: pip install -e '.[mcp]' in the checkout of Mintmark")
    if not check:
        uvloop.run(_serve(port, redis, json, mcp=mcp))
    elif not uvloop.run(_check(redis, json)):
        raise typer.Exit(REFUSED)


# serving


async def _serve(port: int, redis_url: str | None, json: bool, *, mcp: bool) -> None:
    async with _redis(redis_url, DATA) as url:
        master_key, console = _master_key(redis_url), _console(port, redis_url)
        mcp_port = _near(port + 2) if mcp else 0
        given = what.settings_of(port, url, master_key, console)
        settings = _settings(what.for_agents(given) if mcp else given, redis_url)
        log.configure(settings.log_level, settings.log_format)
        with (
            _McpServer(settings.issuer, mcp_port) as server,
            redis_explained(settings, _origin(redis_url)),
            address_explained(settings, "--port, or make run PORT=…"),
        ):
            _check_free(port)
            async with app.open_issuer(settings, listen=False) as issuer:
                await what.prepare(issuer)
                if mcp:
                    await mcp_demo.prepare(issuer, mcp_port)

            def on_ready(reached_at: str) -> None:
                lessons = what.lessons(settings, reached_at, _mintmark(settings, redis_url))
                show = _print_json if json else _print_lessons
                show(settings, reached_at, console, lessons, server.url)

            await app.serve(
                settings, lambda url: server.start(lambda: on_ready(url)), further=callback.handlers(settings.issuer)
            )


class _McpServer(ExitStack):
    """The demo's MCP server; none where its port is 0."""

    def __init__(self, issuer: str, port: int) -> None:
        super().__init__()
        self._issuer, self._port = issuer, port
        self.url = mcp_demo.resource_of(port) if port else ""
        self._starting: asyncio.Task[None] | None = None

    def start(self, on_ready: Callable[[], None]) -> None:
        """Start the server, and call ``on_ready`` when it answers."""
        if not self._port:
            on_ready()
            return
        self.enter_context(mcp_demo.running_server(self._issuer, self._port))
        self._starting = asyncio.ensure_future(self._report_when_ready(on_ready))

    async def _report_when_ready(self, on_ready: Callable[[], None]) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                on_ready()
                return


def _settings(given: dict[str, Any], redis_url: str | None) -> Settings:
    """Return the settings of the demo. Warn of settings in the environment or files that it overrides. Raises SettingsError."""
    came_from = origins(loaded(**given), {})
    given = what.without_honoured(given, came_from)
    unused = what.overridden(given, came_from, DATA.parent)
    if redis_url is not None:
        unused = [name for name in unused if not name.startswith(("redis_url", "master_key"))]
    if unused:
        say(f"The demo has values of its own for these settings, and does not use yours: {', '.join(unused)}.")
    return loaded(**given)


def _origin(redis_url: str | None) -> str:
    """Return where the demo's redis_url is from, for its errors."""
    return "--redis" if redis_url is not None else "the demo"


def _check_free(port: int) -> None:
    """Check that a port is free, before the demo stores anything. Raises OSError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def _mintmark(settings: Settings, redis_url: str | None) -> str:
    """Return the ``mintmark`` command line that reaches this demo."""
    if redis_url is None:
        what.leave_redis_url_in(DATA.parent, settings.redis_url)
        return f"{PREFIX}SECRETS_DIR={DATA.parent} {program()}"
    secret = "" if f"{PREFIX}MASTER_KEY" in os.environ else f"{PREFIX}MASTER_KEY={what.KNOWN_MASTER_KEY} "
    return f"{PREFIX}REDIS_URL={quote(redis_url)} {secret}{program()}"


def _master_key(redis_url: str | None) -> str:
    """Return the master key: stored with the data of the demo's own Redis; for another Redis, the one in the environment."""
    if redis_url is not None:
        return os.environ.get(f"{PREFIX}MASTER_KEY") or what.KNOWN_MASTER_KEY
    try:
        DATA.parent.mkdir(exist_ok=True)
        return what.master_key_in(DATA.parent)
    except OSError as error:
        raise EmbeddedRedisFailed(
            f"the demo's master key cannot be kept in {DATA.parent} ({error.strerror})"
        ) from error


def _console(port: int, redis_url: str | None) -> what.Console:
    """Return the console, at the next port if free. Its token is stored with the demo's own Redis, or new for another Redis."""
    token = (
        new_secret(Kind.OPERATOR_TOKEN, secrets.token_bytes)
        if redis_url is not None
        else what.operator_token_in(DATA.parent)
    )
    return what.Console(_near(port + 1), token)


def _near(port: int) -> int:
    """Return this port, or a free one where it is taken."""
    try:
        _check_free(port)
    except (OSError, OverflowError):
        return _free_port()
    return port


@asynccontextmanager
async def _redis(url: str | None, directory: Path | None) -> AsyncIterator[str]:
    """Return the URL of the given Redis, or of a new one that runs until the block ends."""
    if url is not None:
        yield url
        return
    redis = EmbeddedRedis(directory)
    try:
        await redis.start()
    except EmbeddedRedisInUse as error:
        raise EmbeddedRedisFailed(
            f"A demo runs already in this folder (process {error.process_id}): end it with Ctrl-C, "
            "or start this one in another folder."
        ) from error
    except OSError as error:
        hint = "run the demo in a folder of yours, or give it a Redis with --redis"
        raise EmbeddedRedisFailed(
            f"the demo's data cannot be kept in {directory} ({error.strerror}): {hint}"
        ) from error
    watching = asyncio.ensure_future(_stop_without(redis))
    try:
        yield redis.url
        if watching.done():
            raise EmbeddedRedisFailed("the demo's redis-server has ended, and with it the demo: start it again")
    finally:
        watching.cancel()
        await redis.stop()


async def _stop_without(redis: EmbeddedRedis) -> None:
    """End the demo as Ctrl-C does when its Redis ends, as nothing works without it."""
    while redis.is_running:  # noqa: ASYNC110 (another process: it sets no event)
        await asyncio.sleep(1.0)
    signal.raise_signal(signal.SIGTERM)


def program() -> str:
    """Return the command that starts ``mintmark`` from the current folder, quoted for the shell."""
    called = Path(sys.argv[0])
    if called.name != "mintmark" or not called.is_file():
        return f"{quote(sys.executable)} -m service"
    path = called.absolute()
    return quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def _print_lessons(
    _settings: Settings, url: str, console: what.Console, lessons: list[what.Lesson], mcp_url: str
) -> None:
    """Print the lessons. Commands begin their line and are not wrapped, so that they can be pasted; headings are indented."""
    terminal().print(Text(f"\n  Mintmark is at {url}", "bold green"))
    terminal().print(
        f"  client {what.CLIENT_ID} (secret {what.CLIENT_SECRET}), user {what.USERNAME} (password {what.PASSWORD})\n\n"
        f"  In a browser: {what.sign_in_url(url)}\n"
        f"  and then:     {url}/applications\n\n"
        f"  The console:  {console.url}\n"
        f"  opens with:   {console.token}\n\n"
        f"  Other commands:  export {PREFIX}SECRETS_DIR={DATA.parent} leads every mintmark command in this folder here,\n"
        f"  or, by the admin API, --url {console.url.removesuffix('/console')} with that token in {PREFIX}TOKEN\n\n"
        "  Paste these into another terminal, in this folder. Ctrl-C ends the demo.",
        markup=False,
        soft_wrap=True,
    )
    if mcp_url:
        terminal().print(
            Text("\n  For agents", "bold"),
            Text(
                f"\n  An MCP server is at {mcp_url}: give that URL to a client, which then opens a browser to sign in.\n"
            ),
            soft_wrap=True,
        )
    for number, lesson in enumerate(lessons, 1):
        terminal().print(Text(f"\n  {number}  {lesson.title}", "bold"))
        for command in lesson.commands:
            terminal().print(Text(command, "cyan"), soft_wrap=True)
    terminal().print()
    sys.stdout.flush()


def _print_json(settings: Settings, url: str, console: what.Console, lessons: list[what.Lesson], mcp_url: str) -> None:
    emit(
        {
            "url": url,
            "redis_url": settings.redis_url,
            "sign_in_url": what.sign_in_url(url),
            "console_url": console.url,
            "console_token": console.token,
            **({"mcp_url": mcp_url} if mcp_url else {}),
            "client_id": what.CLIENT_ID,
            "client_secret": what.CLIENT_SECRET,
            "username": what.USERNAME,
            "password": what.PASSWORD,
            "lessons": [{"title": lesson.title, "commands": list(lesson.commands)} for lesson in lessons],
        }
    )


# checking


async def _check(redis_url: str | None, json: bool) -> bool:
    """Run and print every step. Return whether all succeeded."""
    steps = []
    async with _redis(redis_url, None) as url:
        settings = loaded(**what.settings_of(_free_port(), url, _master_key(url)))
        log.configure("ERROR", "text")  # the warnings of replays and wrong passwords are expected here
        with redis_explained(settings, _origin(redis_url)), address_explained(settings, "--port"):
            async with app.open_issuer(settings) as issuer, app.serving(issuer) as reached_at:
                async for step in run_checks(issuer, reached_at):
                    steps.append(step)
                    if not json:
                        _print_step(step)
    right = all(step.ok for step in steps)
    if json:
        emit({"ok": right, "steps": [step._asdict() for step in steps]})
    else:
        terminal().print(Text("Everything is as it must be." if right else "Something is wrong.", "bold"))
    return right


def _print_step(step: CheckResult) -> None:
    mark = Text("✓ ", "green") if step.ok else Text("✗ ", "red")
    terminal().print(mark + Text(step.title, "bold") + Text(f"\n    {step.came_back}", "not bold"), soft_wrap=True)


def _free_port() -> int:
    """Return a free port, as the issuer must be known before the server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
