"""The networks: the paper's (face_vid2vid.py is the main path) and the compact model, live on a CPU."""
