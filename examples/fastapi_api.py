"""A resource server in FastAPI: uvicorn --app-dir examples fastapi_api:app --port 9000. /docs has a button to get a token.

    .venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com \
        --access-token-format jwt
"""

from typing import Annotated

from fastapi import Depends, FastAPI

from mintmark_guard import Guard, Token
from mintmark_guard.fastapi import FastAPIGuard

guard = FastAPIGuard(Guard("http://127.0.0.1:8080", "https://api.example.com"), scopes={"read": "Read what there is"})
app = FastAPI()
app.include_router(guard.router)


@app.get("/")
async def hello(token: Annotated[Token, Depends(guard.needs("read"))]) -> dict[str, object]:
    return {"hello": token.subject, "scopes": sorted(token.scopes)}
