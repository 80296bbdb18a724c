"""What is chosen as a picture: of photos and of videos, by this machine's engine or the page's own.

Goes in: a project, motion, a moment, a size. Comes out: pixels, or what the page needs to make them.
"""
