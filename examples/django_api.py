"""A resource server in Django, in one file: python examples/django_api.py runserver --noreload 9000; gunicorn takes its app.

    .venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com \
        --access-token-format jwt
"""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from mintmark_guard import Guard
from mintmark_guard.django import DjangoGuard

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"])
guard = DjangoGuard(Guard("http://127.0.0.1:8080", "https://api.example.com"))


@guard.needs("read")
def hello(request: HttpRequest) -> JsonResponse:
    token = guard.token(request)
    return JsonResponse({"hello": token.subject, "scopes": sorted(token.scopes)})


urlpatterns = [path("", hello), *guard.urls]
app = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
