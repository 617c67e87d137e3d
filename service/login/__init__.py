"""What users do in a browser between a request and its response: interactions and their steps, sessions, consents.

HTTP and HTML are the fronts' business; nothing here knows either.
"""
