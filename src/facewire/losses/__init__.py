"""What training minimises: one file per term of the paper, unweighted; total.py weighs and adds them.

Goes in: keypoints, pictures, frozen networks. Comes out: one number a term, and their sum. May be imported by
training, benchmarks and cli.
"""
