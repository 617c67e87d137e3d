"""A resource server in Flask: flask --app examples/flask_api.py run --port 9000, or gunicorn --chdir examples flask_api:app.

    .venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com \
        --access-token-format jwt
"""

from typing import Any

from flask import Flask

from mintmark_guard import Guard
from mintmark_guard.flask import FlaskGuard

app = Flask(__name__)
guard = FlaskGuard(Guard("http://127.0.0.1:8080", "https://api.example.com"), app)


@app.get("/")
@guard.needs("read")
def hello() -> dict[str, Any]:
    return {"hello": guard.token.subject, "scopes": sorted(guard.token.scopes)}
