"""The processor that OpenVINO computes on: what it may use, what it reaches, what was compiled for it, and its files.

Goes in: graphs, compiled ones too, names of instructions. Comes out: the same again, GFLOP/s. Only engines,
benchmarks and cli look in here.
"""
