"""The paper's questions, one a file: reconstruction, transfer, free view, canonical keypoints, occlusion, ablation.

Goes in: clips and weights. Comes out: a report folder. Used by cli.
"""
