"""The comparison with video codecs: the same frames, the bits of each, distances and curves.

Goes in: clips, codecs, rates. Comes out: a report folder. Used by cli.
"""
