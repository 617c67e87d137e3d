"""The console: pages for operators with the state of the service and the operations of the admin API.

Handlers read a form, perform an operation of ``service.admin`` and name a template; all rules are in the operations. The pages
work without scripts; ``console.js`` only adds comfort.
"""

from service.fronts.console.front import make_routes, routes_while_off

__all__ = ["make_routes", "routes_while_off"]
