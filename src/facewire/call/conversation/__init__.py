"""Two sides that talk: what one side sends, receives and knows of the other, without network or clock.

Goes in: bytes and moments. Comes out: bytes to send and what to show. Used by meeting, page, agent and loopback.
"""
