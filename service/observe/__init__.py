"""What operators see: log lines, metrics, traces, refused requests, the audit log's file.

Nothing here decides anything, and nothing here sees a credential.
"""
