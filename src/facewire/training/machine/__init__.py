"""How a step is spread over a machine: ranks, norms seen by all of them, batches ahead of time, pace.

Knows nothing of models and losses.
"""
