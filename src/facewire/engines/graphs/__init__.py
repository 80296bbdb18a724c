"""Recording the model as graphs that inference engines run, and rewriting them without changing what they say.

Goes in: a compact model. Comes out: graphs of sender and receiver, faster and equal to rounding. Only engines
and the benchmarks look in here.
"""
