"""django-oauth-toolkit on PostgreSQL, extended for the benchmark.

gunicorn django_oauth_toolkit_app:application                          serves
python django_oauth_toolkit_app.py prepare                             makes tables, users and clients
python django_oauth_toolkit_app.py codes|grants COUNT [ALGORITHM]      makes so many, and prints a line of JSON each: {"code"},
                                                                       or {"access_token", "refresh_token"}; ALGORITHM: of the
                                                                       ID token
"""

import hashlib
import json
import os
import secrets
import sys
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import django
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

SCOPE, USERS = "read write", 1_000
DATABASE = urlsplit(os.environ["DATABASE_URL"])


def new_key() -> str:
    """Make the key for ID tokens, for the process that serves."""
    return generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


settings.configure(
    SECRET_KEY=secrets.token_urlsafe(50),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port,
            "USER": DATABASE.username,
            "PASSWORD": DATABASE.password,
            "NAME": DATABASE.path[1:],
            "CONN_MAX_AGE": None,
        }
    },
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": "" if __name__ == "__main__" else new_key(),
        "SCOPES": {"openid": "Sign in", "read": "Read", "write": "Write"},
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402 (models need what was configured)
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken  # noqa: E402

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
application = get_wsgi_application()


def prepare() -> None:
    """Make tables, users and clients. Their secrets are stored unhashed, as a slow hash would dominate the figures."""
    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"user-{number:06d}", password="!") for number in range(USERS))
    for client_id, grant_type, algorithm in (
        (os.environ["CLIENT_ID"], Application.GRANT_AUTHORIZATION_CODE, Application.NO_ALGORITHM),
        (os.environ["SIGNER_RS256"], Application.GRANT_AUTHORIZATION_CODE, Application.RS256_ALGORITHM),
        (os.environ["MACHINE"], Application.GRANT_CLIENT_CREDENTIALS, Application.NO_ALGORITHM),
    ):
        Application.objects.create(
            client_id=client_id,
            client_secret=os.environ["CLIENT_SECRET"],
            hash_client_secret=False,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=grant_type,
            redirect_uris=os.environ["REDIRECT_URI"],
            algorithm=algorithm,
        )


def codes(count: int, algorithm: str) -> Iterator[dict[str, str]]:
    """Make authorization codes."""
    verifier = os.environ["VERIFIER"].encode()
    client_id = os.environ["SIGNER_RS256" if algorithm else "CLIENT_ID"]
    fixed = {
        "application": Application.objects.get(client_id=client_id),
        "redirect_uri": os.environ["REDIRECT_URI"],
        "scope": f"openid {SCOPE}" if algorithm else SCOPE,
        "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "expires": timezone.now() + timedelta(days=1),
    }
    made = [
        Grant(user_id=user, code=secrets.token_urlsafe(24)[:30], nonce=secrets.token_urlsafe(16), **fixed)
        for user in _users(count)
    ]
    Grant.objects.bulk_create(made)
    return ({"code": one.code} for one in made)


def grants(count: int, _: str) -> Iterator[dict[str, str]]:
    """Make access tokens with their refresh tokens."""
    client = Application.objects.get(client_id=os.environ["CLIENT_ID"])
    fixed: dict[str, Any] = {"application": client}
    expires = timezone.now() + timedelta(days=1)
    access = AccessToken.objects.bulk_create(
        AccessToken(user_id=user, token=secrets.token_urlsafe(24)[:30], scope=SCOPE, expires=expires, **fixed)
        for user in _users(count)
    )
    refresh = RefreshToken.objects.bulk_create(
        RefreshToken(
            user_id=one.user_id,
            token=secrets.token_urlsafe(24)[:30],
            access_token=one,
            token_family=uuid.uuid4(),
            **fixed,
        )
        for one in access
    )
    return ({"access_token": one.access_token.token, "refresh_token": one.token} for one in refresh)


def _users(count: int) -> Iterator[int]:
    ids = list(User.objects.values_list("id", flat=True))
    return (ids[number % len(ids)] for number in range(count))


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        makers = {"codes": codes, "grants": grants}
        for one in makers[sys.argv[1]](int(sys.argv[2]), "".join(sys.argv[3:])):
            print(json.dumps(one))
