"""Scores of clips: what is computed for every frame and how it is summed up.

Goes in: clips, an animator, metrics. Comes out: rows, means and confidence intervals. Used by protocols and codecs.
"""
