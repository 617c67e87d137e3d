"""The demo of ``mintmark demo`` and ``make run``, which also runs on a machine without Redis.

A production server imports nothing from here.
"""
