"""A call between two people: what is sent, what is shown, and the agent that does both (docs/call.md).

Goes in: a camera, a microphone, a photo, packets of the other side. Comes out: packets, pictures, sound. `agent`
joins the parts; each has a folder. Only cli imports it.
"""
