"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), symmetric: HMAC-SHA256 over id, time and body."""

import hmac
from base64 import b64encode
from collections.abc import Sequence


def signed(keys: Sequence[bytes], message_id: str, now: int, body: bytes) -> dict[str, str]:
    """Return the headers of one delivery, signed by each key: a receiver may know the old secret or the new one."""
    signing_input = f"{message_id}.{now}.".encode() + body
    signatures = (b64encode(hmac.digest(key, signing_input, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
