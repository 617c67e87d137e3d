"""A small authorization server in Django: its own login page and people, and authlete-django's handlers for the protocol.

``python django_server.py DECISION_API API_KEY API_SECRET PORT``. The handlers are used as they come; nothing here knows OAuth.
"""

import sys
import time
from typing import Any

import django
from authlete.api import AuthleteApiImpl
from authlete.conf import AuthleteConfiguration
from django.conf import settings
from django.core.management import call_command

BASE_URL, API_KEY, API_SECRET, PORT = sys.argv[1:5]

settings.configure(
    DEBUG=True,
    SECRET_KEY="only for this test",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from authlete.django.handler import (  # noqa: E402
    AuthorizationRequestDecisionHandler,
    AuthorizationRequestErrorHandler,
    ConfigurationRequestHandler,
    IntrospectionRequestHandler,
    JwksRequestHandler,
    NoInteractionHandler,
    RevocationRequestHandler,
    TokenRequestHandler,
    UserInfoRequestHandler,
)
from authlete.django.handler.spi import (  # noqa: E402
    AuthorizationRequestDecisionHandlerSpiAdapter,
    NoInteractionHandlerSpiAdapter,
    TokenRequestHandlerSpiAdapter,
    UserInfoRequestHandlerSpiAdapter,
)
from authlete.django.web import AccessTokenValidator, RequestUtility  # noqa: E402
from authlete.dto import AuthorizationAction, AuthorizationRequest, Property  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

PEOPLE = {"alice": ("wonderland", {"email": "alice@example.com", "name": "Alice"})}


def _api() -> AuthleteApiImpl:
    configuration = AuthleteConfiguration({})
    configuration.baseUrl = BASE_URL
    configuration.serviceApiKey, configuration.serviceApiSecret = API_KEY, API_SECRET
    return AuthleteApiImpl(configuration)


API = _api()


def _shop() -> list[Property]:
    made = Property()
    made.key, made.value = "shop", "7"
    return [made]


class Person:
    """What the handlers ask about whoever has signed in here."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        self._form = request.POST

    def isUserAuthenticated(self) -> bool:  # noqa: N802
        return "user" in self._session

    def isClientAuthorized(self) -> bool:  # noqa: N802
        return bool(self._form.get("decision") == "allow")

    def getUserSubject(self) -> str | None:  # noqa: N802
        user: str | None = self._session.get("user")
        return user

    def getUserAuthenticatedAt(self) -> int:  # noqa: N802
        return int(self._session.get("since", 0))

    def getProperties(self) -> list[Property]:  # noqa: N802
        return _shop()

    def getUserClaimValue(self, subject: str, claim: str, _language: str | None) -> Any:  # noqa: N802
        return PEOPLE[subject][1].get(claim)


class Deciding(Person, AuthorizationRequestDecisionHandlerSpiAdapter):
    """Somebody has seen the page."""


class Silent(Person, NoInteractionHandlerSpiAdapter):
    """Nobody may be asked."""


class Knowing(UserInfoRequestHandlerSpiAdapter):
    """Claims for UserInfo."""

    def getUserClaimValue(self, subject: str, claim: str, _language: str | None) -> Any:  # noqa: N802
        return PEOPLE[subject][1].get(claim)


class Checking(TokenRequestHandlerSpiAdapter):
    """Passwords for the token endpoint."""

    def authenticateUser(self, username: str, password: str) -> str | None:  # noqa: N802
        return username if username in PEOPLE and PEOPLE[username][0] == password else None

    def getProperties(self) -> list[Property]:  # noqa: N802
        return _shop()


def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the person, with a page of our own."""
    asked = AuthorizationRequest()
    asked.parameters = RequestUtility.extractParameters(request)
    response = API.authorization(asked)
    if response.action == AuthorizationAction.NO_INTERACTION:
        return NoInteractionHandler(API, Silent(request)).handle(response)
    if response.action != AuthorizationAction.INTERACTION:
        return AuthorizationRequestErrorHandler().handle(response)
    request.session["asked"] = [response.ticket, response.claims, response.claimsLocales]
    wanted = ", ".join(scope.name for scope in response.scopes or [])
    return HttpResponse(f"<!doctype html><h1>{response.client.clientName}</h1><p>{wanted}</p>")


def decide(request: HttpRequest) -> HttpResponse:
    """The page's form: username, password, and allow or deny."""
    username, password = request.POST.get("username", ""), request.POST.get("password", "")
    if username in PEOPLE and PEOPLE[username][0] == password:
        request.session["user"], request.session["since"] = username, int(time.time())
    return AuthorizationRequestDecisionHandler(API, Deciding(request)).handle(*request.session["asked"])


def token(request: HttpRequest) -> HttpResponse:
    return TokenRequestHandler(API, Checking()).handle(request)


def introspect(request: HttpRequest) -> HttpResponse:
    return IntrospectionRequestHandler(API).handle(request)


def revoke(request: HttpRequest) -> HttpResponse:
    return RevocationRequestHandler(API).handle(request)


def userinfo(request: HttpRequest) -> HttpResponse:
    return UserInfoRequestHandler(API, Knowing()).handle(request)


def configuration(request: HttpRequest) -> HttpResponse:
    return ConfigurationRequestHandler(API).handle(request)


def jwks(request: HttpRequest) -> HttpResponse:
    return JwksRequestHandler(API).handle(request)


def orders(request: HttpRequest) -> HttpResponse:
    """A resource: for tokens with the scope read."""
    validator = AccessTokenValidator(API)
    if not validator.validate(RequestUtility.extractBearerToken(request), ["read"]):
        return validator.errorResponse
    return JsonResponse({"orders_of": validator.introspectionResponse.subject})


def readyz(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("authorize", authorize),
    path("decide", decide),
    path("token", token),
    path("introspect", introspect),
    path("revoke", revoke),
    path("userinfo", userinfo),
    path("orders", orders),
    path("jwks", jwks),
    path("readyz", readyz),
    path(".well-known/openid-configuration", configuration),
]

call_command("runserver", f"127.0.0.1:{PORT}", use_reloader=False, verbosity=0, skip_checks=True)
