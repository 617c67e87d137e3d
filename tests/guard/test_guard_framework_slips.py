"""The guard in frameworks where it is easy to write less than is meant: an order, scopes in another place, a WebSocket."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Security, WebSocket
from flask import Blueprint, Flask
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mintmark_guard import Token
from mintmark_guard.fastapi import FastAPIGuard
from mintmark_guard.flask import FlaskGuard
from tests.guard.guarding import GOOD, reader_guard


def test_a_blueprint_with_the_decorator_above_its_route_is_noticed() -> None:
    """Which no application knows yet when it is written."""
    app, blueprint = Flask(__name__), Blueprint("orders", __name__)
    guard = FlaskGuard(reader_guard(), app)
    app.testing = True

    @guard.needs("read")
    @blueprint.get("/wrong")
    def wrong() -> str:
        raise AssertionError

    @blueprint.get("/right")
    @guard.needs("read")
    def right() -> str:
        return guard.token.subject

    app.register_blueprint(blueprint)
    client = app.test_client()
    for headers in ({}, GOOD):
        with pytest.raises(TypeError, match="wrong is a route already"):
            client.get("/wrong", headers=headers)
    assert client.get("/right", headers=GOOD).text == "alice"
    assert client.get("/right").status_code == 401
    assert client.get("/missing").status_code == 404


def test_an_application_that_comes_after_its_views_looks_at_them() -> None:
    app, guard = Flask(__name__), FlaskGuard(reader_guard())

    @guard.needs("read")
    @app.get("/orders")
    def orders() -> str:
        raise AssertionError

    with pytest.raises(TypeError, match="orders is a route already"):
        guard.init_app(app)


def fastapi_app() -> FastAPI:
    guard, app = FastAPIGuard(reader_guard()), FastAPI()

    async def user(token: Annotated[Token, Depends(guard.needs())]) -> str:
        return token.subject

    @app.get("/admin")
    async def admin(_: Annotated[Token, Security(guard.needs("read"), scopes=["admin"])]) -> None:
        raise AssertionError

    @app.get("/within")
    async def within(_: Annotated[str, Security(user, scopes=["admin"])]) -> None:
        raise AssertionError

    @app.get("/read")
    async def read(name: Annotated[str, Security(user, scopes=["read"])]) -> str:
        return name

    @app.websocket("/news")
    async def news(socket: WebSocket, token: Annotated[Token, Depends(guard.needs("read"))]) -> None:
        await socket.accept()
        await socket.send_text(token.subject)
        await socket.close()

    return app


def test_scopes_of_security_in_fastapi_are_needed() -> None:
    """As OpenAPI says of the operation, also where a dependency lies in between."""
    http = TestClient(fastapi_app())
    for path in ("/admin", "/within"):
        refused = http.get(path, headers=GOOD)
        assert (refused.status_code, refused.json()["detail"]["error"]) == (403, "insufficient_scope")
    assert http.get("/read", headers=GOOD).json() == "alice"


def test_websockets_of_fastapi() -> None:
    http = TestClient(fastapi_app())
    with http.websocket_connect("/news", headers=GOOD) as socket:
        assert socket.receive_text() == "alice"
    for headers in ({}, {"Authorization": "Bearer x"}):
        with pytest.raises(WebSocketDisconnect) as closed, http.websocket_connect("/news", headers=headers):
            raise AssertionError
        assert closed.value.code == 1008
