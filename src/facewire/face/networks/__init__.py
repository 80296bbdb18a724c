"""The networks of faces in torch, with the weights that ship with the package.

Goes in: pictures as tensors. Comes out: detections, meshes, mattes as tensors. May be imported by networks, losses,
metrics, data, engines and training; the rest of the room asks backend.py.
"""
