"""Our keys (generated, rotated, published), keys of clients (fetched, cached), JWS, sealing, password hashes and random bytes.

Who signs or seals what is not decided here.
"""
