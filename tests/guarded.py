"""Requests to a resource server, as arguments for its guard."""

from typing import Any


def request_with(authorization: str | None) -> dict[str, Any]:
    """Return the arguments of ``Guard.check`` for a GET with this Authorization header."""
    headers = {"Accept": "*/*"} | ({} if authorization is None else {"authorization": authorization})
    return {"method": "GET", "url": "https://api.example.com/orders?secret=1", "headers": headers}


def bearer(token: str, scheme: str = "Bearer") -> dict[str, Any]:
    """Return the arguments of ``Guard.check`` for a GET with this token."""
    return request_with(f"{scheme} {token}")
