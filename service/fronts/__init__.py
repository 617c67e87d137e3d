"""The ways in: HTTP requests become ``Request``, Decisions become HTTP responses. No protocol rule lives here."""
