"""The published lists of large data sets, read into pieces of videos.

Goes in: a data set's own list. Comes out: what to cut from which video. Used by preparation alone.
"""
