"""Training: a recipe and clips become weights. `trainer` is the loop, `learner` one step of it."""
