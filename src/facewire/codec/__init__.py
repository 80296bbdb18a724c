"""Head motion to a few bytes a frame and back. numpy at most, no torch: floors below are bitstream and base."""
