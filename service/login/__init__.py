"""What users do in a browser between a request and its answer: interactions, sessions and their end, consents.

Pages and forms are the endpoints' business; nothing here knows HTML.
"""
