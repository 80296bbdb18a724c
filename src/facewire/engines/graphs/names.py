"""What the graphs of a live talking head, their inputs and their results are called (live_graphs.py)."""

from __future__ import annotations

IDENTITY, FIND, READ, PREPARE, RENDER = "identity", "find", "read", "prepare", "render"
BY_FIRST_USE = (FIND, READ, PREPARE, RENDER)
"""Those of OpenVINO, as a photo and the first frame need them; while one is loaded, the others before it work."""
MOTION = ("rotation", "translation", "expression")
CANONICAL, MATTE, BACKGROUND = "canonical", "matte", "background"
"""Of a photo, besides its own motion."""
PICTURE, SHARES, REPAIR, FLOW, MASKS = "picture", "shares", "repair", "flow_", "masks"
"""What `render` returns; flows are numbered by the candidate that is read along them (networks/composition.py)."""
DETECT, MESH = "detect", "mesh"
"""The graphs of the face finder (face_graphs.py)."""
LOGITS, PLACES, LANDMARKS, PRESENCE = "logits", "places", "landmarks", "presence"
FACE_WEIGHTS = {DETECT: "blaze_face.safetensors", MESH: "attention_mesh.safetensors"}
"""Whose weights they need, of those in face/weights."""
