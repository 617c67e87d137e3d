"""The numbers of clients: the data types of the decision API identify clients by a whole number, ours by a text.

A client_id that is written as a number has that number. Every other client gets one of 53 bits that is made from its client_id,
so that it is always the same; when a caller first gets it, it is stored, so that one read
finds the client again. The two never collide: numbers from 2^52 to 2^53 (all of which JSON can carry exactly) are made ones.
"""

from service.admin.errors import InvalidInput, NotFound
from service.issuer import Issuer
from service.protocol.credentials import Randomness
from service.records.client import Client
from service.store.client_numbers import MADE, made_number

_FRESH = range(10**14, 2**52)
_LARGEST = 2**63 - 1
_TRIES = 8


async def number_of(issuer: Issuer, client: Client) -> int:
    """Return the client's number, which never changes. One round trip the first time. Raises InvalidInput: none is free."""
    numbers = issuer.store.client_numbers
    written = own_number(client.client_id)
    if written is None:
        written = numbers.taken(client.client_id, client.generation)
    if written is not None:
        return written
    for attempt in range(_TRIES):
        number = made_number(client.client_id, attempt)
        if await numbers.take(number, client.client_id, ends_with_client=client.was_registered_openly):
            numbers.remember(client.client_id, client.generation, number)
            return number
    raise InvalidInput(f"client {client.client_id}: every number that it could have is another client's")


async def find_client(issuer: Issuer, identifier: str | int) -> Client:
    """Return the client of this number, client_id or alias, as Redis has it now. Two round trips at most. Raises NotFound."""
    text = str(identifier)
    number = own_number(text, made=True)
    is_made = number is not None and number in MADE
    holder = await issuer.store.client_numbers.holder(number or 0) if is_made else None
    client = await issuer.store.clients.read(text if holder is None else holder)
    if client is None:
        raise NotFound(f"there is no client {text!r}")
    return client


async def forget_number(issuer: Issuer, client_id: str) -> None:
    """Forget the number of a client that is gone."""
    if own_number(client_id) is not None:
        return
    for attempt in range(_TRIES):
        number = made_number(client_id, attempt)
        holder = await issuer.store.client_numbers.holder(number)
        if holder == client_id:
            await issuer.store.client_numbers.drop(number)
        if holder is None or holder == client_id:
            return


def own_number(client_id: str, *, made: bool = False) -> int | None:
    """Return the number that a client_id is written as, with ``made`` also one that we make; None where it is no number."""
    if not (client_id.isascii() and client_id.isdigit() and len(client_id) <= 19) or client_id.startswith("0"):
        return None
    number = int(client_id)
    return number if number <= _LARGEST and (made or number not in MADE) else None


def new_client_id(randomness: Randomness) -> str:
    """Return a new client_id that is a number itself, 15 or 16 digits, below those that we make for others."""
    return str(_FRESH.start + int.from_bytes(randomness(16)) % len(_FRESH))
