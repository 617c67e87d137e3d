"""Tokens in the making: what was allowed, the codes and tokens made for it, and what happens when one comes twice.

``service/issuing.py`` above it puts them in the place of what they were bought with.
"""
