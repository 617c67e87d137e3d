"""A hook behind a URL: a signed POST, as Standard Webhooks has it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from service.hooks.message import HookError, Message
from service.hooks.signature import signed
from service.outbound.http_client import JSON_HEADERS, HttpClient, HttpClientError, HttpResponse, Purpose

MAX_BYTES = 16_384
"""The most bytes of an answer."""


class Webhook:
    """A URL that gets signed messages. Each key signs. The clock counts epoch seconds."""

    def __init__(
        self, url: str, keys: Sequence[bytes], timeout: float, http_client: HttpClient, clock: Callable[[], float]
    ) -> None:
        self._url, self._keys, self._timeout = url, keys, timeout
        self._http_client, self._clock = http_client, clock

    def load(self) -> None:
        """Do nothing: there is nothing to load."""

    async def ask(self, message: Message) -> Mapping[str, Any] | None:
        """Return the JSON object of a 200, None for 204. Raises HookError for everything else."""
        answered = await self._post(message)
        if answered.status == 204:
            return None
        if answered.status != 200:
            raise HookError(f"answered {answered.status}")
        try:
            answer = orjson.loads(answered.content)
        except orjson.JSONDecodeError as error:
            raise HookError("answered something that is not JSON") from error
        if not isinstance(answer, dict):
            raise HookError("answered JSON that is not an object")
        return answer

    async def notify(self, message: Message) -> None:
        """Deliver a notification. Raises HookError for anything but 2xx."""
        answered = await self._post(message)
        if not 200 <= answered.status < 300:
            raise HookError(f"answered {answered.status}")

    async def _post(self, message: Message) -> HttpResponse:
        body = message.body()
        headers = signed(self._keys, message.message_id, int(self._clock()), body)
        try:
            return await self._http_client.request(
                "POST",
                self._url,
                Purpose.HOOK,
                headers=JSON_HEADERS | headers,
                body=body,
                timeout=self._timeout,
                max_bytes=MAX_BYTES,
            )
        except HttpClientError as error:
            raise HookError(str(error)) from error
