"""Pictures and videos as uint8 RGB arrays with exact times; the only room that touches PyAV and Pillow.

Goes in: files of any kind that people have. Comes out: frames, sound, files that players show, else a MediaError. May
be imported by every room above it.
"""
