"""Talking heads as files: video -> .fwv -> video, and recorded motion.

Goes in: a video, or the bytes of a .fwv. Comes out: those bytes, or pictures with sound. `bridge` joins the head
motion of the networks with the state that the codec carries. May be imported by evaluation, call and cli.
"""
