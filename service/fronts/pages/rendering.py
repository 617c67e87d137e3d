"""From a page's name and values to HTML in the user's language, with the headers that keep it safe."""

import hashlib
import logging
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    TemplateError,
)

from service.fronts import templates
from service.fronts.pages.own_folder import unknown_files
from service.observe.events import Event
from service.protocol.authorization_details import words_of
from service.protocol.browsing import FormPost, Page
from service.protocol.redirect_uris import origin
from service.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "en"
_HTTP_FORM = frozenset({"applications", "approvals", "device", "device_confirm", "stayed"})
"""Pages whose form is answered by a page of ours. Of the others a form may be answered by a redirect to a client, and
Chromium applies form-action to redirects, too: there it must be left out.
"""

Texts = Mapping[str, str]


class Rendered(NamedTuple):
    """A page, ready to be sent."""

    content: bytes
    headers: Mapping[str, str]
    status: int


class Pages:
    """The pages of one service; an operator's folder comes before ours. Raises ValueError for templates that don't parse."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        folder = settings.pages_folder
        own = [FileSystemLoader(folder)] if folder else []
        ours = PackageLoader("service.fronts.pages")
        self._templates = templates.open_templates(ChoiceLoader([*own, ours]))
        self._templates.filters["day"] = _day
        self._texts = _all_texts(folder)
        if folder:
            self._check(ours.list_templates())
            _warn_of_unknown(folder, self._templates)
        self._style = _file("style.css", folder).encode()
        self._style_hash = hashlib.sha256(self._style).hexdigest()[:16]

    def _check(self, names: Sequence[str]) -> None:
        """Find what an operator's templates are at fault with before anybody asks for a page."""
        try:
            for name in names:
                self._templates.get_template(name)
        except TemplateError as error:
            raise ValueError(f"pages_folder: {error}") from error

    def style(self) -> tuple[bytes, str]:
        """The stylesheet, and what its URL ends with: another one for another content."""
        return self._style, self._style_hash

    def render(self, what: Page | FormPost, languages: Sequence[str], *, prefix: str = "") -> Rendered:
        """``languages``: preferred ones first (BCP 47); ``prefix``: of the issuer's path, before our own paths."""
        name, values, status = _parts(what)
        if name == "error":
            values = {"ways": (), **values}
        language = self._language(languages)
        texts, nonce = self._texts[language], secrets.token_urlsafe(16)
        content = self._templates.get_template(f"{name}.html").render(
            **values,
            lang=language,
            t=_translator(texts),
            described=_describer(texts),
            labelled=_labeller(texts),
            nonce=nonce,
            prefix=prefix,
            style=f"{prefix}/style.css?v={self._style_hash}",
            service=self._settings.service_name,
            policy=self._settings.op_policy_uri,
            terms=self._settings.op_tos_uri,
        )
        headers = self._headers(name, values, nonce, language)
        if status == 503:
            headers["Retry-After"] = values.get("retry_after") or "1"
        return Rendered(content.encode(), headers, status)

    def _language(self, wanted: Sequence[str]) -> str:
        """The first that there is, if need be without its region (RFC 4647 section 3.4)."""
        for tag in wanted:
            for candidate in (tag.lower(), tag.lower().partition("-")[0]):
                if candidate in self._texts:
                    return candidate
        return DEFAULT_LANGUAGE

    def _headers(self, name: str, values: Mapping[str, Any], nonce: str, language: str) -> dict[str, str]:
        policy = ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        if images := _origins(_logos(values)):
            policy.append(f"img-src {images}")
        if frames := _origins(values.get("frames", ())):
            policy.append(f"frame-src {frames}")
        if name in ("form_post", "signed_out"):
            policy.append(f"script-src 'nonce-{nonce}'")
        if name in _HTTP_FORM:
            policy.append("form-action 'self'")
        return {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
            "Content-Security-Policy": "; ".join(policy),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        }


def _warn_of_unknown(folder: Path, environment: Environment) -> None:
    """Log each file under a name that is never asked for: it changes nothing, and nothing else would show it."""
    ours = sorted(files("service.fronts.pages").joinpath("templates").iterdir(), key=lambda entry: entry.name)
    names = [entry.name for entry in ours if entry.name.endswith(".html")]
    for name in unknown_files(folder, environment, names):
        hint = f"side by side in the folder: {', '.join(names)}, style.css, and texts by language (de.toml)"
        log.warning(Event.PAGES_FOLDER_UNKNOWN_FILE, extra={"file": name, "known": hint})


def languages(settings: Settings) -> list[str]:
    """Those that there are texts for (BCP 47)."""
    return sorted(_all_texts(settings.pages_folder))


def _parts(what: Page | FormPost) -> tuple[str, Mapping[str, Any], int]:
    if isinstance(what, FormPost):
        return "form_post", {"action": what.action, "fields": what.fields}, 200
    return what.name, what.values, what.status


def _translator(texts: Texts) -> Callable[..., str]:
    def translated(key: str, /, **values: object) -> str:
        return texts[key].format(**values)

    return translated


def _describer(texts: Texts) -> Callable[[Mapping[str, str]], str]:
    def described(scope: Mapping[str, str]) -> str:
        """What a scope means: in the operator's words, or in ours for the standard ones, or its bare name."""
        return scope["description"] or texts.get(f"scope_{scope['name']}", scope["name"])

    return described


def _labeller(texts: Texts) -> Callable[[Mapping[str, Any]], str]:
    def labelled(fact: Mapping[str, Any]) -> str:
        """What stands before a value: the operator's word, or ours for members that RFC 9396 section 2.2 names, or its own."""
        path = fact["path"]
        ours = texts.get(f"detail_{path[0]}") if len(path) == 1 else None
        return fact["label"] or ours or words_of(path)

    return labelled


def _logos(values: Mapping[str, Any]) -> list[str]:
    clients = [values.get("client"), *values.get("applications", ()), *values.get("requests", ())]
    return [client["logo_uri"] for client in clients if client and client.get("logo_uri")]


def _origins(urls: Sequence[str]) -> str:
    """What a policy names: no path, since a semicolon or blank in one would end the directive."""
    found = set()
    for url in urls:
        with suppress(ValueError):  # a URL that we would not register today is not shown
            found.add(origin(url))
    return " ".join(sorted(found))


def _day(seconds: int) -> str:
    """A day that everybody reads alike (ISO 8601)."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _all_texts(folder: Path | None) -> dict[str, Texts]:
    """Texts by language; the operator's over ours, and what a language lacks in English. Raises ValueError."""
    found = dict(_our_texts())
    for path in sorted(folder.glob("*.toml")) if folder else ():
        try:
            found[path.stem] = found.get(path.stem, {}) | tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"pages_folder: {path}: {error}") from error
    return {language.lower(): found[DEFAULT_LANGUAGE] | texts for language, texts in found.items()}


@cache
def _our_texts() -> Mapping[str, dict[str, str]]:
    """Those of ``texts/de.toml``, and of a page that has a file of its own (``texts/page.de.toml``)."""
    found: dict[str, dict[str, str]] = {}
    for entry in files("service.fronts.pages").joinpath("texts").iterdir():
        if entry.name.endswith(".toml"):
            language = entry.name.removesuffix(".toml").rpartition(".")[2]
            found.setdefault(language, {}).update(tomllib.loads(entry.read_text("utf-8")))
    return found


def _file(name: str, folder: Path | None) -> str:
    if folder and (folder / name).is_file():
        return (folder / name).read_text("utf-8")
    return files("service.fronts.pages").joinpath(name).read_text("utf-8")
