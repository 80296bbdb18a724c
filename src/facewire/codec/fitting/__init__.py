"""Fitting coding tables to recorded motion: counts of what the codec would write, rehearsed, become probabilities.

Goes in: motions. Comes out: coding tables. May be imported by the command line, scripts and tests.
"""
