"""The ways in: HTTP requests become ``Request``, a ``Decision`` becomes an HTTP response. Rules of OAuth live below."""
