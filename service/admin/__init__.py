"""What operators do with clients, users and grants. Command line, admin API and console act through ``operations`` alone.

Nothing here prints or prompts: functions take an Issuer and checked input, return records, and raise ``AdminError``.
"""
