"""Rendering of a page to HTML in the user's language, with its security headers."""

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
from service.protocol import display_names
from service.protocol.authorization_details import words_of
from service.protocol.browsing import FormPost, Page
from service.protocol.redirect_uris import origin
from service.settings import Settings, SettingsError

log = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "en"
_HTTP_FORM = frozenset({"applications", "approvals", "device", "device_confirm", "stayed"})
"""Pages whose form is answered by a page of ours. The form of others may be answered by a redirect to a client, and Chromium
applies form-action to redirects too, so it is left out there.
"""

Texts = Mapping[str, str]


class Rendered(NamedTuple):
    """A page, ready to be sent."""

    content: bytes
    headers: Mapping[str, str]
    status: int


class Pages:
    """The pages of one service, first from the operator's folder. Raises SettingsError for what cannot be used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        folder = settings.pages_folder
        if folder and not folder.is_dir():
            raise SettingsError(f"pages_folder: there is no folder {folder}")
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
        """Find faults in an operator's templates before a page is requested. Raises SettingsError."""
        try:
            for name in names:
                self._templates.get_template(name)
        except (TemplateError, UnicodeDecodeError) as error:
            raise SettingsError(f"pages_folder: {error}") from error

    def style(self) -> tuple[bytes, str]:
        """Return the stylesheet, and the ending of its URL, which changes with its content."""
        return self._style, self._style_hash

    def render(self, what: Page | FormPost, languages: Sequence[str], *, prefix: str = "") -> Rendered:
        """Render a page.

        Args:
            what: The page.
            languages: The user's languages (BCP 47), the preferred one first.
            prefix: The issuer's path, before our own paths.
        """
        name, values, status = _parts(what)
        if name == "error":
            values = {"ways": (), **values}
        language = self._language(languages)
        texts, nonce = self._texts[language], secrets.token_urlsafe(16)
        translate = _translator(texts)
        content = self._templates.get_template(f"{name}.html").render(
            **values,
            lang=language,
            direction="rtl" if _is_right_to_left(texts) else "ltr",
            t=translate,
            lasting=_laster(translate),
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
        """Return the first language that has texts, if necessary without its region (RFC 4647 section 3.4)."""
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
    """Log each file whose name is never used, as nothing else would show that it has no effect."""
    ours = sorted(files("service.fronts.pages").joinpath("templates").iterdir(), key=lambda entry: entry.name)
    names = [entry.name for entry in ours if entry.name.endswith(".html")]
    for name in unknown_files(folder, environment, names):
        hint = f"side by side in the folder: {', '.join(names)}, style.css, and texts by language (de.toml)"
        log.warning(Event.PAGES_FOLDER_UNKNOWN_FILE, extra={"file": name, "known": hint})


def languages(settings: Settings) -> list[str]:
    """Return the languages that have texts (BCP 47)."""
    return sorted(_all_texts(settings.pages_folder))


def _parts(what: Page | FormPost) -> tuple[str, Mapping[str, Any], int]:
    if isinstance(what, FormPost):
        return "form_post", {"action": what.action, "fields": what.fields}, 200
    return what.name, what.values, what.status


def _is_right_to_left(texts: Texts) -> bool:
    """Whether a language is written from right to left, which a text without values tells."""
    return display_names.is_right_to_left(texts["sign_in"])


def _translator(texts: Texts) -> Callable[..., str]:
    def translated(key: str, /, **values: object) -> str:
        around = display_names.is_right_to_left(texts[key])  # of the sentence: it may be one that the language lacks

        def in_sentence(value: object) -> object:
            return display_names.isolated(value, is_right_to_left_around=around) if isinstance(value, str) else value

        return texts[key].format(**{name: in_sentence(value) for name, value in values.items()})

    return translated


def _laster(translate: Callable[..., str]) -> Callable[[int], str]:
    def lasting(seconds: int) -> str:
        """Return a time to wait, in minutes where it is longer than one and a half; never in the singular."""
        if seconds > 90:
            return translate("lasting_minutes", count=-(-seconds // 60))
        return translate("lasting_seconds", count=max(seconds, 2))

    return lasting


def _describer(texts: Texts) -> Callable[[Mapping[str, str]], str]:
    def described(scope: Mapping[str, str]) -> str:
        """Return the meaning of a scope: the operator's text, or ours for a standard scope, or its name."""
        return scope["description"] or texts.get(f"scope_{scope['name']}", scope["name"])

    return described


def _labeller(texts: Texts) -> Callable[[Mapping[str, Any]], str]:
    def labelled(fact: Mapping[str, Any]) -> str:
        """Return the label of a value: the operator's, or ours for common members (RFC 9396 section 2.2), or its name."""
        path = fact["path"]
        ours = texts.get(f"detail_{path[0]}") if len(path) == 1 else None
        return fact["label"] or ours or words_of(path)

    return labelled


def _logos(values: Mapping[str, Any]) -> list[str]:
    clients = [values.get("client"), *values.get("applications", ()), *values.get("requests", ())]
    return [client["logo_uri"] for client in clients if client and client.get("logo_uri")]


def _origins(urls: Sequence[str]) -> str:
    """Return the origins of URLs for a policy; a semicolon or blank in a path would end the directive."""
    found = set()
    for url in urls:
        with suppress(ValueError):  # skip a URL that could not be registered today
            found.add(origin(url))
    return " ".join(sorted(found))


def _day(seconds: int) -> str:
    """Return the day of epoch seconds (ISO 8601)."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _all_texts(folder: Path | None) -> dict[str, Texts]:
    """Return the texts by language: the operator's over ours, with English for missing ones. Raises SettingsError."""
    found = dict(_our_texts())
    for path in sorted(folder.glob("*.toml")) if folder else ():
        try:
            found[path.stem] = found.get(path.stem, {}) | tomllib.loads(path.read_text("utf-8"))
        except ValueError as error:  # no TOML, or no UTF-8
            raise SettingsError(f"pages_folder: {path}: {error}") from error
    return {language.lower(): found[DEFAULT_LANGUAGE] | texts for language, texts in found.items()}


@cache
def _our_texts() -> Mapping[str, dict[str, str]]:
    """Return our texts: ``texts/de.toml``, and files of single pages (``texts/page.de.toml``)."""
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
