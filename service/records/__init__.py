"""What Mintmark keeps, one noun per file, as frozen structs with a compact JSON form. Nothing here does anything.

Fields have short names in Redis (``field(name=…)``) because a million tokens pay for every byte. Unknown fields are
ignored and missing ones take their default, so that two releases can run side by side.
"""
