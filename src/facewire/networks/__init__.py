"""The networks: paper/ (face_vid2vid.py is the main path) and compact/ (model.py), live on a CPU."""
