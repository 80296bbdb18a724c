"""Pages for people: tables, curves, picture sheets, the published numbers to compare with.

Goes in: rows and summaries. Comes out: HTML and pictures. Used by protocols and codecs.
"""
