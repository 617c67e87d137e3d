"""What users do in a browser between a request and its response: interactions and their steps, sessions, consents.

HTTP and HTML belong to the fronts; nothing here knows either.
"""
