"""Every call with what no SDK would send: whatever comes, it is refused or answered, and never an incident."""

import random
from typing import Any

import pytest

from service.fronts.decision_api import ROUTES
from tests.deciding import API_KEY, API_SECRET, Backend
from tests.world import basic

JUNK: list[Any] = [
    *([], {}, 0, -1, 1.5, True, "x", "", "\x00", "é" * 50, "x" * 5000, "{", "[[", '{"a":' * 100, "a=b&c=d"),
    *(
        [[]],
        [None],
        [1],
        ["x"] * 300,
        {"a": 1},
        [{"key": 1}],
        2**63,
        -(2**63),
        "0",
        "1e9",
        "null",
        "\ud7ff",
        "%ff",
        "\r\nX: y",
    ),
]


def _path(path: str) -> str:
    return "/api" + path.replace("{client}", "app").replace("{", "").replace("}", "")


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_no_member_of_a_call_makes_an_incident(caller: Backend, route: Any) -> None:
    """One member after the other is junk, the others are what they should be."""
    await caller.world.openid_client()
    names = [field.alias or name for name, field in route.body.model_fields.items()]
    usual = dict.fromkeys(names, "x")
    for name in names:
        for junk in JUNK:
            for members in ({name: junk}, usual | {name: junk}):
                response = await caller.http.request(
                    route.methods[0], _path(route.path), json=members, headers=basic(API_KEY, API_SECRET)
                )
                assert response.status < 500, (name, junk, await response.text())
                if response.status != 204 and "json" in response.headers.get("Content-Type", ""):
                    assert isinstance(await response.json(), dict)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_no_bytes_make_an_incident(caller: Backend, route: Any) -> None:
    """Bytes that are no JSON and no form, in every kind of body and query."""
    chance = random.Random(route.path)
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        for length in (1, 50, 5000):
            headers = basic(API_KEY, API_SECRET) | ({"Content-Type": kind} if kind else {})
            content = chance.randbytes(length)
            response = await caller.http.request(route.methods[0], _path(route.path), data=content, headers=headers)
            assert response.status < 500
    for query in ("?token=%ff", "?a=1&a=2", "?" + "a&" * 100, "?%00"):
        url = _path(route.path) + query
        response = await caller.http.request(route.methods[0], url, headers=basic(API_KEY, API_SECRET))
        assert response.status < 500


async def test_compressed_bodies_are_refused(caller: Backend) -> None:
    headers = basic(API_KEY, API_SECRET) | {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = await caller.http.post("/api/auth/token", data=b"x", headers=headers)
    assert response.status == 415
