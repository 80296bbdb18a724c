"""Pictures while a call or a preview runs: drawn by the networks, or moved where they cannot keep up.

Goes in: motions, and somebody who can draw. Comes out: a picture for every motion.
"""
