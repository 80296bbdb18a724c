"""What is said in a call besides faces and sound: to the other side, the page and the signalling server.

Goes in: bytes and JSON of strangers. Comes out: checked records, or a ProtocolError. Knows no other part of
the call but its set-up times.
"""
