"""What people see: templates, texts and the stylesheet, and how a page is made of them. What is asked, and what an answer
means, is the endpoints' business.
"""

from service.fronts.pages.hook import Hook, load_hook
from service.fronts.pages.rendering import Pages, Rendered, languages

__all__ = ["Hook", "Pages", "Rendered", "languages", "load_hook"]
