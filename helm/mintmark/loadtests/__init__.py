"""Instruments: what a request, a token and a grant cost, alone and beside others. See README.md here for what is what.

Everything runs against real servers on 127.0.0.1, bounded in time and count. Nothing in ``service`` knows of it.
"""
