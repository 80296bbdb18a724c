"""Integers and bytes: varints, the range coder, packets and the `.fwv` file. Knows nothing about heads.

Goes in: integers with their probabilities, or the bytes of strangers. Comes out: bytes, or the integers again, else a
BitstreamError. May be imported by codec, talks, call and cli.
"""
