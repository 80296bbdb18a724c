"""What there is to prepare: folders of raw videos, lists, the published lists of large data sets.

Goes in: a folder or a list. Comes out: which parts of which videos, and whose they are. Used by preparation alone.
"""
