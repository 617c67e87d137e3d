"""Work that leaves a request: HTTP to other servers, deliveries and background tasks, and the queue before scarce work.

What is sent, and to whom, is decided above.
"""
