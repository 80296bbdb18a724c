"""Frames in time: where shots begin, single frames of a clip by number, other rates, time stamps without rounding.

In go frames, clips in memory or times, out come choices of frames and times. May be imported where media may.
"""
