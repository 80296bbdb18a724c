"""Weights that others published, brought in: recognised by their key names, checked, kept as safetensors.

Goes in: downloaded files. Comes out: a weights file with its manifest in the user's weight folder; of LivePortrait's
driving templates head motions.
"""
