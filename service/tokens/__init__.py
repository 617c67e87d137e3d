"""Everything that is issued: what was allowed becomes codes, access tokens and ID tokens; here is the only mint (``issuing``).

Who may have tokens is decided above, in ``grants`` and ``endpoints``.
"""
