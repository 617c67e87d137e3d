"""A small Django site whose people sign in with django-allauth: discovery is its only configuration.

``python django_site.py ISSUER CLIENT_ID SECRET PORT FOLDER``
"""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

ISSUER, CLIENT_ID, SECRET, PORT, FOLDER = sys.argv[1:6]

settings.configure(
    DEBUG=True,
    SECRET_KEY="only for this test",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(FOLDER) / "site.sqlite")}},
    INSTALLED_APPS=[
        *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"),
        *("allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"),
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    SOCIALACCOUNT_LOGIN_ON_GET=True,
    SOCIALACCOUNT_EMAIL_AUTHENTICATION=True,
    ACCOUNT_EMAIL_VERIFICATION="none",
    LOGIN_REDIRECT_URL="/",
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "mintmark",
                    "name": "Mintmark",
                    "client_id": CLIENT_ID,
                    "secret": SECRET,
                    "settings": {"server_url": f"{ISSUER}/.well-known/openid-configuration"},
                }
            ],
        }
    },
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def home(request: HttpRequest) -> HttpResponse:
    """Who is signed in."""
    user = request.user
    who = f"{user.first_name} {user.last_name} {user.email}" if user.is_authenticated else "nobody"
    return HttpResponse(f"<!doctype html><title>Django</title><h1>{who}</h1>")


urlpatterns = [path("", home), path("accounts/", include("allauth.urls"))]

call_command("migrate", verbosity=0)
call_command("runserver", f"127.0.0.1:{PORT}", use_reloader=False, verbosity=0)
