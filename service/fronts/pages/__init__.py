"""What users see: templates, texts and the stylesheet, and how a page is made of them.

When a page is shown, and what its form means, is the endpoints' business.
"""

from service.fronts.pages.hook import Hook, load_hook
from service.fronts.pages.rendering import Pages, Rendered, languages

__all__ = ["Hook", "Pages", "Rendered", "languages", "load_hook"]
