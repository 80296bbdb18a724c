"""What a training step minimises: the paper's losses together, the compact model's, their critics.

Goes in: a model and a batch of pairs. Comes out: a loss report. Used by the learner.
"""
