"""Fitting coding tables to recorded motion: counts of what the codec would write, rehearsed, become probabilities.

Goes in: motions. Comes out: coding tables. Used by scripts and tests alone.
"""
