"""Records to and from their JSON form in Redis."""

from typing import Any, TypeVar

import msgspec

_Record = TypeVar("_Record", bound="Record")
encode = msgspec.json.Encoder().encode
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of everything kept: immutable, defaults left out, unknown members ignored when read.

    ``gc=False``: records hold no cycles, so the garbage collector need not visit them.
    """

    def encode(self) -> bytes:
        """Return compact JSON, members in the order of the fields."""
        return encode(self)

    @classmethod
    def decode(cls: type[_Record], data: bytes) -> _Record:
        """Decode a record.

        Raises:
            msgspec.DecodeError: (a ValueError) ``data`` is not such a record.
        """
        decoder = _decoders.get(cls)
        if decoder is None:
            decoder = _decoders[cls] = msgspec.json.Decoder(cls)
        record: _Record = decoder.decode(data)
        return record
