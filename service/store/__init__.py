"""What is kept in Redis: key names, Lua scripts, and one file per kind of record. How Redis is spoken to is ``redis``.

Nothing here knows OAuth's rules; every act that must happen once is one script in ``lua/``.
"""
