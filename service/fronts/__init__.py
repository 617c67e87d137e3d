"""The fronts: they turn HTTP requests into ``Request`` and a ``Decision`` into a response. The rules of OAuth are below."""
