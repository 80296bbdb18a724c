"""Coding tables: the artefact (`artefact.py`), and those that ship with the package (`shipped.py`).

Goes in: a name, an id, a folder. Comes out: checked tables. Used by codec, and by whoever reads or writes streams.
"""
