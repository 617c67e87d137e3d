"""The guard in Flask: a decorator for views."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec

from flask import Flask, Response, after_this_request, current_app, request
from flask.typing import ResponseReturnValue

from mintmark_guard.blocking import BlockingGuard
from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed, of_words
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.verdict import Refused, Token
from mintmark_guard.wsgi import request_of

_Parameters = ParamSpec("_Parameters")
_TOKEN, _CHECKED_BY = "mintmark_guard.token", "mintmark_guard.checked_by"
"""Keys in the environ of a request that was let in. No header can have these names, and ``flask.g`` may outlive a request."""


class FlaskGuard:
    """A guard for views: ``@app.get("/orders")``, and below that ``@guard.needs("read")``.

    Args:
        guard: Checks the tokens.
        app: Gets a route for the metadata of the API (RFC 9728), as by ``init_app``.
    """

    def __init__(self, guard: Guard, app: Flask | None = None) -> None:
        self.blocking = BlockingGuard(guard)
        self._apps: list[Flask] = []
        self._unprotected: dict[int, Callable[..., object]] = {}
        """The views under ``needs``, by identity: none of them may be a route itself, as that would be unprotected."""
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve the metadata of the API, where it has any, and check that no route misses its ``needs``.

        Raises:
            TypeError: A view was made a route without its ``needs``, see there.
        """
        self._apps.append(app)
        for view in app.view_functions.values():
            self._be_protected(view)
        app.before_request(self._before_view)
        metadata = self.blocking.guard.metadata
        if metadata is not None:
            content = metadata.content
            app.add_url_rule(metadata.path, "mintmark_guard_metadata", lambda: Response(content, headers=HEADERS))

    @property
    def token(self) -> Token:
        """The token of this request. Raises KeyError in a view that needs none."""
        found: Token = request.environ[_TOKEN]
        return found

    def needs(
        self, *scopes: str, acr_values: Collection[str] = (), max_age: int | None = None
    ) -> Callable[[Callable[_Parameters, ResponseReturnValue]], Callable[_Parameters, ResponseReturnValue]]:
        """Return a decorator that lets in only requests whose token meets these requirements.

        Args:
            scopes: The token must have all of these.
            acr_values: The user must have signed in by one of these (RFC 9470).
            max_age: The most seconds since the user signed in; None = any number.

        Raises:
            TypeError: The view is a route already, which would be unprotected: write this decorator below ``@app.route``.
                For a blueprint that is registered later it is raised with each request for that route.
        """
        needed = of_words(scopes, acr_values, max_age)

        def guarded(view: Callable[_Parameters, ResponseReturnValue]) -> Callable[_Parameters, ResponseReturnValue]:
            self._unprotected[id(view)] = view
            for app in self._apps:
                for route in app.view_functions.values():
                    self._be_protected(route)

            @wraps(view)
            def checked(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> ResponseReturnValue:
                refusal = self._refusal(needed)
                if refusal is not None:
                    return refusal
                answer: ResponseReturnValue = current_app.ensure_sync(view)(*args, **kwargs)
                return answer

            return checked

        return guarded

    def _be_protected(self, view: object) -> None:
        """Check that a route is not an undecorated view under ``needs``. Raises TypeError."""
        if id(view) in self._unprotected:
            name = getattr(view, "__name__", view)
            raise TypeError(f"{name} is a route already, and not protected: write needs(…) below @app.route(…)")

    def _before_view(self) -> None:
        self._be_protected(current_app.view_functions.get(request.endpoint or ""))

    def _refusal(self, needed: Needed) -> Response | None:
        """Return the response that replaces the view's; None where the request is let in."""
        try:
            checked = request.environ.get(_TOKEN) if request.environ.get(_CHECKED_BY) is self else None
            request.environ[_TOKEN] = self.blocking.check_more(request_of(request.environ), needed, checked)
            request.environ[_CHECKED_BY] = self
        except Refused as refused:
            return Response(refused.body, refused.status, refused.headers, content_type="application/json")
        further = self.blocking.guard.headers()
        if further:
            after_this_request(lambda response: _with_headers(response, further))
        return None


def _with_headers(response: Response, further: dict[str, str]) -> Response:
    response.headers.update(further)
    return response
