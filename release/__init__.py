"""Making a release: ``make release VERSION=0.2.0``. Files that are published are made of what is committed, and nothing else.

``versions`` sets the number wherever it stands, ``changelog`` closes the section of what is not released, ``distributions``,
``boms`` and ``chart`` make the files, ``__main__`` is the order of it all.
"""
