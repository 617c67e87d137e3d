"""What an operator may do with clients, users and grants; shared by the command line and the admin API.

Nothing here prints or asks: functions take an Issuer and checked input, return records, and raise ``AdminError``.
"""

from service.admin.errors import AdminError, AlreadyExists, NotAllowed, NotFound, Outdated, Refused

__all__ = ["AdminError", "AlreadyExists", "NotAllowed", "NotFound", "Outdated", "Refused"]
