"""A talk inside an ordinary video stream: its pictures are key pictures, its motion messages beside them.

Goes in: what a talk is made of. Comes out: a video file, and the talk again. docs/carriers.md describes it.
"""
