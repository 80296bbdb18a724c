"""Ordinary video streams that carry something else: one coded picture, repeats of it, and packets in a container.

Goes in: pictures and coded bytes. Comes out: files that players show, and their packets again.
"""
