"""The pages for users: templates, texts and the stylesheet, and their rendering.

Endpoints decide when a page is shown and what its form means.
"""

from service.fronts.pages.hook import Hook, load_hook
from service.fronts.pages.rendering import Pages, Rendered, languages

__all__ = ["Hook", "Pages", "Rendered", "languages", "load_hook"]
