"""Everything that is issued: what was allowed becomes codes, access tokens and ID tokens.

``minting`` alone makes them. They leave by ``issuing`` at the token endpoint, where they take the place of what they were
bought with, and by ``authorization_response`` at the authorization endpoint.

Who may have tokens is decided above, in ``grants`` and ``endpoints``.
"""
