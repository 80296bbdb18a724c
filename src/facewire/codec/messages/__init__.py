"""Motion as messages beside the pictures of an ordinary video stream (docs/carriers.md).

Goes in: coefficients of frames. Comes out: messages, and motion again.
"""
