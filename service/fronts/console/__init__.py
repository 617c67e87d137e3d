"""The console: pages on which an operator sees how the service is and does what the command line and the admin API do.

Handlers read a form, call ``service.admin`` and name a template; they decide nothing that those do not decide. The pages work
without scripts; ``console.js`` only adds comfort.
"""

from service.fronts.console.front import make_routes

__all__ = ["make_routes"]
