"""Everything that is issued: what was allowed becomes codes, access tokens and ID tokens.

``access_tokens``, ``id_tokens``, ``refresh_tokens`` and ``authorization_codes`` make one kind each, and ``token_response``
assembles a response of them. The token endpoint issues by ``issuing``, where tokens replace the credential that they are
issued for, and the authorization endpoint by ``authorization_response``.

``exchangeable_tokens`` (ours) and ``foreign_tokens`` (of trusted issuers) open the tokens that clients bring to a token
exchange, and ``exchanged_tokens`` issues for them (RFC 8693).

Who may have tokens is decided above, in ``grants`` and ``endpoints``.
"""
