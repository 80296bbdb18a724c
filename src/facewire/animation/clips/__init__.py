"""Videos as the source: read once, then every frame is its own photo.

Goes in: a video, a driver's motion. Comes out: the head's motion in every frame, frames with it, an edited video.
"""
