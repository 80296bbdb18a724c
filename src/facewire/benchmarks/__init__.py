"""Measuring speed and memory: the live path, batches on a GPU, training steps.

Goes in: weights and a machine. Comes out: numbers with the name of the processor they were measured on. Only cli
imports it.
"""
