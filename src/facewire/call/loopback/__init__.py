"""A whole call on one machine in virtual time, over a modelled link.

Goes in: a clip and a link. Comes out: what the other side saw, and how late. Only cli and tests use it.
"""
