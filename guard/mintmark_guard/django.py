"""The guard in Django: a decorator for views, functions and coroutines; ``method_decorator`` makes it one for classes."""

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
"""Attributes of a request that was let in; the requests of Django REST framework pass them on."""


class DjangoGuard:
    """Protects views: ``@guard.needs("read")``; ``guard.token(request)`` is the token.

    Such views are exempt from CSRF checks: no browser adds a token by itself.

    Args:
        guard: Checks the tokens.
    """

    def __init__(self, guard: Guard) -> None:
        self.blocking = BlockingGuard(guard)

    @property
    def urls(self) -> list[URLPattern]:
        """The metadata of the API (RFC 9728), for ``urlpatterns`` of the project."""
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
        """Let in only who holds a token with all this.

        Args:
            scopes: All of them.
            acr_values: One of these: how the user signed in (RFC 9470).
            max_age: Seconds since the user signed in at most.
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
        """The token of a request that this guard has let in before: decorators may be stacked."""
        return self.token(request) if getattr(request, _CHECKED_BY, None) is self else None

    def _let_in(self, request: HttpRequest, token: Token) -> None:
        setattr(request, _TOKEN, token)
        setattr(request, _CHECKED_BY, self)

    def _with_headers(self, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in self.blocking.guard.headers().items():
            response[name] = value
        return response


def _is_async(view: View) -> bool:
    """Whether a view is awaited; ``dispatch`` of a class is no coroutine function, and returns one where its handlers do."""
    owner = getattr(getattr(view, "func", None), "__self__", None)  # as method_decorator hands it over
    return iscoroutinefunction(view) or bool(getattr(owner, "view_is_async", False))


def _request_of(request: HttpRequest) -> SentRequest:
    scope = getattr(request, "scope", None)
    return request_of_wsgi(request.META) if scope is None else request_of_asgi(scope)


def _refusal(refused: Refused) -> HttpResponse:
    return HttpResponse(refused.body, status=refused.status, headers=refused.headers, content_type="application/json")
