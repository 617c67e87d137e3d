"""Concurrency in one process: background tasks, the fair queue for scarce work, calls that several callers share.

What they do is decided above. Several processes are `workers`; calls to other servers are `outbound`.
"""
