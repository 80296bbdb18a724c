"""Coordinates, poses, keypoints, flows and the one sampler: pure functions on tensors, no parameters.

Goes in: angles, points, flows, pictures. Comes out: the same, moved; conventions are those of docs/conventions.md.
May be imported by face and every room above it.
"""
