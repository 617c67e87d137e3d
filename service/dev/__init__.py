"""What ``mintmark demo`` and ``make run`` need to come up on a machine without Redis.

Nothing in here is imported by a production server.
"""
