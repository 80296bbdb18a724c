"""What arrives, until it is shown or heard: ordering, waiting, concealing, ordinary video.

Goes in: packets with the time they came at. Comes out: face states and sound for every moment, with gaps
bridged. Has no clock and no network; the conversation asks it.
"""
