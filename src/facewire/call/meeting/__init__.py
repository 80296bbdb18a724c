"""How two agents find each other: invitation, signalling server and client, the WebRTC connection.

Goes in: an invitation. Comes out: a connected peer that carries the conversation's bytes. Used by the agent.
"""
