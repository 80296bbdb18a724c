"""What computes: one interface, several engines that read head crops and render frames.

Goes in: a model of `networks` (or its exported graphs), head crops, motions. Comes out: motions, pictures.
`choice` decides which engine runs on this machine and says why; `graphs` records and rewrites what they run.
May be imported by animation, talks, call, benchmarks and cli.
"""
