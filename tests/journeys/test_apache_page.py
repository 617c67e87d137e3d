"""The configuration of docs/how-to/apache.md, as it stands there, in a real Apache with mod_auth_openidc."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar

from service.admin import users
from service.admin.users import UserInput
from service.app import open_issuer
from tests.pages import Page, Shell, until_it_listens
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = Page("how-to/apache.md")
MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "dir")
MASTER_KEY = "m" * 43


@pytest.fixture
async def apache(redis: Shape, tmp_path: Path) -> AsyncIterator[str]:
    """Apache with two folders, before it a service with alice, who is an admin, and bob."""
    program = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    if program is None or not (MODULES / "mod_auth_openidc.so").exists():
        pytest.skip("no Apache with mod_auth_openidc here: apt-get install apache2 libapache2-mod-auth-openidc")
    port, apache_port = free_port(), free_port()
    here = {"127.0.0.1:8080": f"127.0.0.1:{port}", "127.0.0.1:8888": f"127.0.0.1:{apache_port}"}
    shell = Shell(tmp_path, here, MINTMARK_REDIS_URL=redis.url, MINTMARK_MASTER_KEY=MASTER_KEY)
    for folder, text in {"htdocs": "for everybody", "htdocs/admin": "for admins"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.html").write_text(text)
    own = [f"ServerName 127.0.0.1\nListen {apache_port}\nPidFile {tmp_path}/pid\nErrorLog {tmp_path}/error.log"]
    own += [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED]
    own += [f"DocumentRoot {tmp_path}/htdocs", shell.here(PAGE.block("apache"))]
    (tmp_path / "apache.conf").write_text("\n".join(own))
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", master_key=MASTER_KEY)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port):
        for name, groups in {"alice": ["admins"], "bob": ["dev"]}.items():
            await users.create_user(issuer, UserInput(username=name, claims={"groups": groups}), "wonderland")
        await shell.run(PAGE.block("sh"))
        process = await asyncio.create_subprocess_exec(
            program, "-X", "-d", str(tmp_path), "-f", str(tmp_path / "apache.conf")
        )
        try:
            await until_it_listens(apache_port)
            yield f"http://127.0.0.1:{apache_port}"
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)


async def test_who_signs_in_sees_what_the_group_may(apache: str) -> None:
    assert await _signed_in(apache, "alice") == (200, "for everybody", 200)
    assert await _signed_in(apache, "bob") == (200, "for everybody", 401)


async def _signed_in(apache: str, username: str) -> tuple[int, str, int]:
    """What a browser is shown in the end, and the status of the folder for admins."""
    async with ClientSession(headers={"Accept": "text/html"}, cookie_jar=CookieJar(unsafe=True)) as http:

        async def submit(page: ClientResponse, **fields: str) -> ClientResponse:
            text = await page.text()
            form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)) | fields
            action = re.search(r'<form method="post" action="([^"]*)"', text)
            assert action is not None, text
            return await http.post(urljoin(str(page.url), action[1]), data=form)

        consent = await submit(await http.get(apache), username=username, password="wonderland")
        shown = await submit(consent, decision="allow")
        return shown.status, await shown.text(), (await http.get(f"{apache}/admin/")).status
