"""The rules of OAuth 2.0 as pure functions and values: no await, no clock, no Redis, no HTTP server.

Stored records are in ``records``; the code that acts is in ``grants`` and ``endpoints``.
"""
