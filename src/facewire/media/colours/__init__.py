"""Colours of video: what a file means by its numbers, HDR, and the way to sRGB and back.

Goes in: decoded pictures with what the stream says of them. Comes out: sRGB pixels. May be imported where media may.
"""
