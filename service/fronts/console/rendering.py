"""Rendering of templates to HTML, with the security headers of the console."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

import orjson
from jinja2 import PackageLoader
from markupsafe import Markup

from service.fronts import templates
from service.fronts.console import readable
from service.fronts.console.pages import ROOT, Show, link
from service.protocol.display_names import spelled_out
from service.settings import Settings

FILES = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
_POLICY = "; ".join(
    (
        *("default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "img-src 'self'"),
        *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Language": "en",
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer forms would have "Origin: null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class File(NamedTuple):
    """A stylesheet, script or image of the pages."""

    content: bytes
    content_type: str
    digest: str
    """A hash of its content."""


class Rendering:
    """The templates of the console."""

    def __init__(self, settings: Settings) -> None:
        self.files = {name: _file(name, kind) for name, kind in FILES.items()}
        self._templates = templates.open_templates(PackageLoader("service.fronts.console"), finalize=_shown)
        self._templates.filters |= {
            "number": readable.number,
            "size": readable.size,
            "duration": readable.duration,
            "moment": readable.moment,
            "called": readable.called,
            "since": readable.since,
            "json": _json,
            "words": _words,
        }
        self._templates.globals |= {
            "root": ROOT,
            "link": link,
            "service": settings.service_name,
            "style": f"{ROOT}/console.css?v={self.files['console.css'].digest}",
            "script": f"{ROOT}/console.js?v={self.files['console.js'].digest}",
            "icon": f"{ROOT}/icon.svg?v={self.files['icon.svg'].digest}",
        }

    def render(self, what: Show, operator: str, csrf: str) -> bytes:
        """Return the page in UTF-8; the operator is "" where none is signed in."""
        template = self._templates.get_template(f"{what.template}.html")
        return template.render(operator=operator, csrf=csrf, **what.values).encode()


def _file(name: str, kind: str) -> File:
    content = files("service.fronts.console").joinpath(name).read_bytes()
    return File(content, kind, hashlib.sha256(content).hexdigest()[:16])


def _shown(value: object) -> object:
    """Return what is shown of a value: no character that is invisible or changes the order of others.

    What comes back in forms is escaped (``| e``) and stays as it is.
    """
    return spelled_out(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(value: object) -> str:
    """Return a value as indented JSON, which the template escapes."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def _words(name: str) -> str:
    """Return ``client_disabled`` as "client disabled"."""
    return Markup.escape(name.replace("_", " "))
