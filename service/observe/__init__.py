"""Observability for operators: log lines, metrics, traces, refused requests, and the file of the audit log.

Nothing here makes a decision or sees a credential.
"""
