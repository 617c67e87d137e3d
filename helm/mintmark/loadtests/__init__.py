"""Benchmarks of requests, tokens and grants, alone and in comparison with other servers; README.md here describes each.

Everything runs against real servers on 127.0.0.1, bounded in time and count. ``service`` imports nothing from here.
"""
