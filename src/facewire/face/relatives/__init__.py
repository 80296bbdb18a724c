"""Squares of heads as other families of models lay them, by the points of our own mesh.

landmark_crop  landmarks -> LivePortrait's turned square
framing        face -> the square of a photo, the upright square of a video
openness       mesh -> how far eyes and lips are open
"""
