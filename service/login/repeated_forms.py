"""Forms that are sent twice, as by a double click: answered once, and the second one gets the same answer.

A browser shows the answer to its last request only. The answer is kept in Redis for a moment, sealed with a secret that only
the sending browser can make: from its cookie and all fields of the form.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from service.crypto import sealing
from service.issuer import Issuer
from service.protocol.browsing import FormPost, Page, Redirect, Reply, Visit
from service.protocol.credentials import base64url, hashed
from service.store.forms import MARK_BYTES

_PATIENCE = 10.0
"""Seconds to wait for an answer that is under way."""
_EVERY = 0.05
"""Seconds between two reads."""


class SentForm(NamedTuple):
    """A form as a browser sent it."""

    page: str
    """The name of its page."""
    key: str
    """Its name in the store."""
    secret: str
    """The secret that seals the answer."""


class _KeptReply(msgspec.Struct, omit_defaults=True):
    """A ``Reply`` as JSON."""

    page: Page | None = None
    redirect: Redirect | None = None
    form_post: FormPost | None = None
    session: str | None = None
    device: str | None = None
    languages: tuple[str, ...] = ()


def sent_form(page: str, visit: Visit, cookie: str) -> SentForm:
    """Return the form of a page as this browser sent it. ``cookie`` is the secret of the browser that the answer is for."""
    said = msgspec.json.encode((page, sorted(visit.parameters.items())))
    secret = base64url(hmac.digest(cookie.encode(), said, "sha256"))
    return SentForm(page, hashed(secret), secret)


async def answer_once(issuer: Issuer, form: SentForm, answer: Callable[[], Awaitable[Reply]]) -> Reply | None:
    """Answer a form; None where it is being or was just answered.

    If ``answer`` raises, it counts as unsent. One round trip more.
    """
    if not await issuer.store.forms.claim(form.key, issuer.randomness(MARK_BYTES)):
        return None
    try:
        reply = await answer()
    except BaseException:
        issuer.store.forms.release_soon(form.key)
        raise
    nonce = issuer.randomness(sealing.NONCE_BYTES)
    issuer.store.forms.keep_soon(form.key, sealing.seal(_encoded(reply), form.secret, nonce))
    return reply


async def earlier_answer(issuer: Issuer, form: SentForm) -> Reply | None:
    """Return the answer to the same form a moment ago; wait for one that is under way. None where there is none."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        sealed = await issuer.store.forms.get(form.key)
        if sealed or sealed is None or asyncio.get_running_loop().time() >= deadline:
            content = sealing.unseal(sealed, form.secret) if sealed else None
            return _decoded(content) if content else None
        await asyncio.sleep(_EVERY)


def _encoded(reply: Reply) -> bytes:
    what = reply.what
    kept = _KeptReply(
        page=what if isinstance(what, Page) else None,
        redirect=what if isinstance(what, Redirect) else None,
        form_post=what if isinstance(what, FormPost) else None,
        session=reply.session,
        device=reply.device,
        languages=reply.languages,
    )
    return msgspec.json.encode(kept)


def _decoded(content: bytes) -> Reply | None:
    kept = msgspec.json.decode(content, type=_KeptReply)
    what = kept.page or kept.redirect or kept.form_post
    return Reply(what, session=kept.session, device=kept.device, languages=kept.languages) if what else None
