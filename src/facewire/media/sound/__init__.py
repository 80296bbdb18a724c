"""Sound: tracks of files, Opus packets, encoding, muxing beside pictures.

Goes in: containers or samples. Comes out: samples, packets, tracks. May be imported where media may.
"""
