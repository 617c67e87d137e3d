"""Signing keys: ours (generated, rotated, published) and those of clients (fetched, remembered). Who signs what is not
decided here.
"""
