"""Head motion to a few bytes a frame and back. numpy at most, no torch; imports bitstream and base."""
