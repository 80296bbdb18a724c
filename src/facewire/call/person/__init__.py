"""The sender's side of a call: camera, tracked head, judge of the synthesis, photos of both sides.

Goes in: pictures of a camera. Comes out: head motions, the mode to send in, avatars. Used by page, agent and
loopback.
"""
