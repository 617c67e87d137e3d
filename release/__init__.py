"""Making a release: ``make release VERSION=0.2.0``. Published files are made only from what is committed.

``versions`` writes the version to every file that names it, ``changelog`` closes the section of unreleased changes,
``distributions``, ``boms`` and ``chart`` make the files, ``signing`` signs them, and ``__main__`` runs all of this in order.
"""
