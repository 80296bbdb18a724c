"""Coding tables: the artefact (`artefact.py`), and those that ship with the package (`shipped.py`)."""
