"""Training: a recipe and clips become weights. `trainer` is the loop, `learner` one step of it.

Goes in: settings, clips, frozen networks. Comes out: checkpoints, averaged weights with a manifest, numbers,
previews. May be imported by benchmarks and cli.
"""
