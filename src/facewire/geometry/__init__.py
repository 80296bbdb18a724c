"""Coordinates, poses, keypoints, flows and the one sampler: pure functions on tensors, no parameters."""
