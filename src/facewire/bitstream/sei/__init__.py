"""Messages beside the pictures of an ordinary video stream: bits, NAL units, and generative face video (GFV).

Goes in: numbers of a face. Comes out: bytes that a video stream carries, and back. Knows no codec's pictures.
"""
