"""The guard in Django: a decorator for views, also asynchronous ones, and by ``method_decorator`` for classes."""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from mintmark_guard.asgi import request_of as request_of_asgi
from mintmark_guard.blocking import BlockingGuard
from mintmark_guard.dpop import SentRequest
from mintmark_guard.guard import Guard
from mintmark_guard.needed import of_words
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.verdict import Refused, Token
from mintmark_guard.wsgi import request_of as request_of_wsgi

View = Callable[..., Any]
_TOKEN, _CHECKED_BY = "mintmark_token", "mintmark_checked_by"
"""Attributes of a request that was let in; the requests of Django REST framework show them, too."""


class DjangoGuard:
    """A guard for views: decorate them with ``@guard.needs("read")``, and call ``guard.token(request)`` for the token.

    Such views are exempt from CSRF checks, as no browser adds a token by itself.

    Args:
        guard: Checks the tokens.
    """

    def __init__(self, guard: Guard) -> None:
        self.blocking = BlockingGuard(guard)

    @property
    def urls(self) -> list[URLPattern]:
        """The URL pattern for the metadata of the API (RFC 9728), to be added to ``urlpatterns`` of the project."""
        metadata = self.blocking.guard.metadata
        if metadata is None:
            return []
        content = metadata.content
        return [path(metadata.path.removeprefix("/"), require_safe(lambda _: HttpResponse(content, headers=HEADERS)))]

    def token(self, request: HttpRequest) -> Token:
        """Return the token of a request. Raises AttributeError in a view that needs none."""
        found = getattr(request, _TOKEN)
        assert isinstance(found, Token)  # noqa: S101 (for mypy)
        return found

    def needs(
        self, *scopes: str, acr_values: Collection[str] = (), max_age: int | None = None
    ) -> Callable[[View], View]:
        """Return a decorator that lets in only requests whose token meets these requirements.

        Args:
            scopes: The token must have all of these.
            acr_values: The user must have signed in by one of these (RFC 9470).
            max_age: The most seconds since the user signed in; None = any number.
        """
        needed = of_words(scopes, acr_values, max_age)

        def guarded(view: View) -> View:
            @wraps(view)
            def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
                try:
                    token = self.blocking.check_more(_request_of(request), needed, self._checked(request))
                except Refused as refused:
                    return _refusal(refused)
                self._let_in(request, token)
                return self._with_headers(view(request, *args, **kwargs))

            @wraps(view)
            async def checked_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
                try:
                    token = await self.blocking.check_more_async(_request_of(request), needed, self._checked(request))
                except Refused as refused:
                    return _refusal(refused)
                self._let_in(request, token)
                return self._with_headers(await view(request, *args, **kwargs))

            exempt: View = csrf_exempt(checked_async if _is_async(view) else checked)
            return exempt

        return guarded

    def _checked(self, request: HttpRequest) -> Token | None:
        """Return the token if this guard has let the request in before, as decorators may be stacked."""
        return self.token(request) if getattr(request, _CHECKED_BY, None) is self else None

    def _let_in(self, request: HttpRequest, token: Token) -> None:
        setattr(request, _TOKEN, token)
        setattr(request, _CHECKED_BY, self)

    def _with_headers(self, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in self.blocking.guard.headers().items():
            response[name] = value
        return response


def _is_async(view: View) -> bool:
    """Whether a view is awaited: ``dispatch`` of a class returns what its handlers do, but is no coroutine function."""
    owner = getattr(getattr(view, "func", None), "__self__", None)  # as method_decorator hands it over
    return iscoroutinefunction(view) or bool(getattr(owner, "view_is_async", False))


def _request_of(request: HttpRequest) -> SentRequest:
    scope = getattr(request, "scope", None)
    return request_of_wsgi(request.META) if scope is None else request_of_asgi(scope)


def _refusal(refused: Refused) -> HttpResponse:
    return HttpResponse(refused.body, status=refused.status, headers=refused.headers, content_type="application/json")
