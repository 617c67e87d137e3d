"""The way out over HTTP for what the service itself calls, and the loop that delivers until the receiver takes it.

What is sent, and to whom, is decided above.
"""
