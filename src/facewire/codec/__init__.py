"""Head motion to a few bytes a frame and back. numpy at most, no torch; imports bitstream and base.

Goes in: motions, coding tables, or packets. Comes out: packets, or motions within the step of the quantiser. May be
imported by talks, evaluation, call, web and cli.
"""
