"""Mintmark: an OAuth 2.0 token service that keeps codes, access tokens and refresh tokens in Redis.

Each folder is a room and its ``__init__`` says what lives there; imports run downwards only (see pyproject.toml).
"""

__version__ = "0.1.0"
