"""HTTP calls of the service to other servers, and the loop that delivers until the receiver accepts.

What is sent, and to whom, is decided above.
"""
