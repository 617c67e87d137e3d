"""Where Redis is: URLs, passwords, TLS, sockets."""

from pathlib import Path

import pytest

from service.app import open_issuer
from service.protocol.errors import TemporarilyUnavailable
from service.redis import address
from service.settings import Settings, redis_url
from service.settings.redis_url import ServerAddress, Topology
from service.store.fitness import StoreUnfitError
from service.store.store import open_store
from tests import redis_shapes, redis_tls
from tests.world import settings_for


@pytest.mark.parametrize(
    ("url", "topology", "servers", "rest"),
    [
        ("redis://h", Topology.STANDALONE, (ServerAddress("h", 6379),), {"database": 0}),
        ("redis://u:p%40ss@h:1/2", Topology.STANDALONE, (ServerAddress("h", 1),), {"database": 2}),
        ("rediss://[::1]:7", Topology.STANDALONE, (ServerAddress("::1", 7),), {}),
        ("unix:///run/redis.sock?db=3", Topology.STANDALONE, (ServerAddress(path="/run/redis.sock"),), {"database": 3}),
        (
            "redis+sentinel://a,b:9/main/1",
            Topology.SENTINEL,
            (ServerAddress("a", 26379), ServerAddress("b", 9)),
            {"service": "main"},
        ),
        ("redis+cluster://a:1,b:2", Topology.CLUSTER, (ServerAddress("a", 1), ServerAddress("b", 2)), {}),
    ],
)
def test_urls_of_redis(
    url: str, topology: Topology, servers: tuple[ServerAddress, ...], rest: dict[str, object]
) -> None:
    parsed = address.parse(Settings(redis_url=url))
    assert (parsed.topology, parsed.servers) == (topology, servers)
    assert {name: getattr(parsed, name) for name in rest} == rest
    assert (parsed.tls is not None) == url.startswith("rediss")
    if "p%40ss" in url:
        assert (parsed.login.username, parsed.login.password) == ("u", "p@ss")
        assert "p@ss" not in repr(parsed)


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis://",
        "redis://a,b",
        "redis://h/x",
        "redis+sentinel://h",
        "redis+cluster://h/1",
        "redis://h:port",
        "redis://h:0",
    ],
)
def test_urls_that_cannot_be_are_refused_with_a_hint(url: str) -> None:
    with pytest.raises(ValueError, match=r"scheme|host|number|service|port 0"):
        redis_url.parse(url)


async def test_a_password_and_an_acl_user() -> None:
    with redis_shapes.standalone(user="mintmark", password="s3cret/word") as shape:
        async with open_issuer(settings_for(shape.url)) as issuer:
            await issuer.store.ping()
        wrong = shape.url.replace("s3cret%2Fword", "wrong")
        with pytest.raises(TemporarilyUnavailable) as refused:
            await open_store(settings_for(wrong))
        assert "wrong" not in refused.value.log.replace("WRONGPASS", "")


def in_one_file(folder: Path, *parts: Path) -> Path:
    whole = folder / "whole.pem"
    whole.write_text("".join(part.read_text() for part in parts))
    return whole


async def test_tls_with_a_client_certificate(tmp_path: Path) -> None:
    if not redis_tls.tls_is_available():
        pytest.skip("no redis-server with TLS: install Debian's redis-server")
    with redis_shapes.standalone(tls=True, require_client_certificate=True) as shape:
        files = shape.certificates
        assert files is not None
        both = in_one_file(tmp_path, files.client_certificate, files.client_key)
        for ours in (
            {"redis_certificate_file": files.client_certificate, "redis_key_file": files.client_key},
            {"redis_certificate_file": both},
        ):
            async with open_issuer(settings_for(shape.url, redis_ca_file=files.authority, **ours)) as issuer:
                await issuer.store.ping()
        with pytest.raises((TemporarilyUnavailable, StoreUnfitError)):
            await open_store(settings_for(shape.url, redis_ca_file=files.authority))


async def test_a_unix_socket() -> None:
    with redis_shapes.standalone(unix=True) as shape:
        async with open_issuer(settings_for(shape.url)) as issuer:
            await issuer.store.ping()
