"""Everything that is issued: what was allowed becomes codes, access tokens and ID tokens.

``access_tokens``, ``id_tokens``, ``refresh_tokens`` and ``authorization_codes`` make one kind each, ``token_response`` puts
together what one response hands out. They leave by ``issuing`` at the token endpoint, where they take the place of what they
were bought with, and by ``authorization_response`` at the authorization endpoint.

What clients bring to have it exchanged is opened by ``exchangeable_tokens`` (ours) and ``foreign_tokens`` (of trusted issuers);
what comes of it is ``exchanged_tokens`` (RFC 8693).

Who may have tokens is decided above, in ``grants`` and ``endpoints``.
"""
