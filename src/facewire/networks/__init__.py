"""The networks: paper/ (face_vid2vid.py is the main path) and compact/ (model.py), live on a CPU.

Goes in: pictures in [0, 1], motions, weights files. Comes out: identities, motions, fields, pictures. relatives/ runs
weights that others published. May be imported by every room from engines and losses upwards.
"""
