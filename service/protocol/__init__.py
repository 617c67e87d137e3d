"""The rules of OAuth 2.0 as pure functions and values: no await, no clock, no Redis, no HTTP server.

What is read from or written to the store lives in ``records``; what acts lives in ``grants`` and ``endpoints``.
"""
