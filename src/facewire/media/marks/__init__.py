"""What says that a picture was synthesised: metadata, signed content credentials, a visible caption.

Goes in: pictures and files. Comes out: marked ones, and what a file's marks say. May be imported where media may.
"""
