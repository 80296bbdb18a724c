"""How bytes travel in a call: trailers, pieces, limits, invitations, a model of a bad link. Standard library only,
but for web/.

Goes in: bytes and the time. Comes out: bytes in pieces that fit, later, or not at all. May be imported by call,
studio and cli.
"""
