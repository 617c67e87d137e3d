"""What the docs site takes from the rest of the repository: its documents as pages, scripts from npm, and links to both.

MkDocs knows files of `docs/` alone. Here the READMEs become pages as they are, and a relative link means what it means on
a forge: another page, or a file of the repository. What a link names and is not there is left to MkDocs, which fails.
"""

import os
import re
from pathlib import Path
from urllib.parse import urldefrag, urlsplit
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCUMENTS = {
    "README.md": "repository/readme.md",
    "CHANGELOG.md": "repository/changelog.md",
    "CONTRIBUTING.md": "repository/contributing.md",
    "SECURITY.md": "repository/security.md",
    "CODE_OF_CONDUCT.md": "repository/code-of-conduct.md",
    "examples/deploy/README.md": "repository/deploy.md",
    "guard/README.md": "repository/guard.md",
    "helm/mintmark/README.md": "repository/chart.md",
    "loadtests/README.md": "repository/loadtests.md",
    "service/redis/README.md": "repository/redis-client.md",
    "tests/README.md": "repository/tests.md",
    "tests/conformance/README.md": "repository/conformance.md",
}
"""Documents of the repository outside `docs/`, and where each is on the site."""
EXAMPLES = [
    file.relative_to(ROOT).as_posix()
    for file in sorted((ROOT / "examples").rglob("*"))
    if file.is_file() and file.suffix not in (".md", ".pyc")
]
"""Files that pages tell to save or to take: the site has them under the same path."""
SCRIPTS = {
    "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js": "assets/mermaid.js",
    "node_modules/iframe-worker/shim/index.js": "assets/iframe-worker.js",
}
"""Scripts by their place below `docs/node/`, and where each is on the site."""

WEIGHTS = {
    "how-to/": 2,
    "tutorial/": 2,
    "reference/settings.md": 4,
    "reference/admin-api.md": 0.3,
    "reference/decision-api.md": 0.5,
    "repository/": 0.5,
}
"""How much a word counts in a search by the beginning of a page's path: what is long, or has much of the same, less."""


def _on_site(path: str) -> str:
    """Where a file of the repository is on the site; empty if it is not there."""
    if path.startswith("docs/"):
        return "" if path.endswith(".py") else path.removeprefix("docs/")
    return DOCUMENTS.get(path, path if path in EXAMPLES else "")


class _Links(Treeprocessor):
    """Lead each relative link where it leads in the repository, for the page that is rendered."""

    source = ""
    """The page's path in the repository."""
    page = ""
    """Its path on the site, as MkDocs knows it."""
    repository = ""
    """Where files of the repository can be read; nowhere if empty."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            for name in ("href", "src"):
                if name in element.attrib:
                    self._lead(element, name)

    def _lead(self, element: Element, name: str) -> None:
        target, fragment = urldefrag(element.attrib[name])
        if not target or urlsplit(target).scheme or target.startswith("/"):
            return
        path = os.path.normpath(os.path.join(os.path.dirname(self.source), target))
        on_site = _on_site(path)
        if on_site:
            link = os.path.relpath(on_site, os.path.dirname(self.page))
            element.set(name, f"{link}#{fragment}" if fragment else link)
        elif not path.startswith("..") and (ROOT / path).exists():
            if self.repository:
                element.set(name, f"{self.repository}/blob/main/{path}")
            else:
                del element.attrib[name]
                element.tag = "span"
                element.set("title", f"{path} in the repository")


class _LinksExtension(Extension):
    def __init__(self) -> None:
        super().__init__()
        self.links = _Links()

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name that Markdown calls
        md.treeprocessors.register(self.links, "mintmark_links", 5)  # after inline markup, before MkDocs looks at links


_extension = _LinksExtension()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Look whether the scripts are there, and have links led."""
    if missing := [name for name in SCRIPTS if not (ROOT / "docs" / "node" / name).exists()]:
        raise ConfigurationError(f"{', '.join(missing)} not there: run `make docs`, or `npm ci` in docs/node")
    _extension.links.repository = (config.repo_url or "").rstrip("/")
    config.markdown_extensions.append(_extension)
    config.copyright = f"Mintmark {_version()} · Apache-2.0"
    config.watch.extend(str(ROOT / name) for name in DOCUMENTS if (ROOT / name).exists())
    return config


def _version() -> str:
    """Of the server; it need not be installed here."""
    found = re.search(r'__version__ = "(.+)"', (ROOT / "service" / "__init__.py").read_text())
    return found[1] if found else ""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents of the repository, its examples, and the scripts."""
    for name, page in DOCUMENTS.items():
        if (ROOT / name).exists():
            files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for name in EXAMPLES:
        path = str(ROOT / name)
        files.append(File.generated(config, name, abs_src_path=path, inclusion=InclusionLevel.INCLUDED))
    for name, asset in SCRIPTS.items():
        files.append(File.generated(config, asset, abs_src_path=str(ROOT / "docs" / "node" / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Note whose links come next, and what a search is to find."""
    by_page = {page_name: name for name, page_name in DOCUMENTS.items()}
    links = _extension.links
    links.page = page.file.src_uri
    links.source = by_page.get(links.page, f"docs/{links.page}")
    if links.source == "CHANGELOG.md":
        page.meta["search"] = {"exclude": True}
    else:
        weight = next((weight for begin, weight in WEIGHTS.items() if links.page.startswith(begin)), 1)
        page.meta["search"] = {"boost": weight}
    return markdown
