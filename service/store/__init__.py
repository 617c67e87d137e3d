"""The only folder that speaks Redis (beside dev): connections, key names, Lua scripts, and one file per kind of record.

Nothing here knows OAuth's rules; every act that must happen once is one script in ``lua/``.
"""
