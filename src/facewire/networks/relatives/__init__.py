"""Published models of the same family, run with their own weights: LivePortrait, ZLH, SadTalker and ZK.

Read next: families.py, the table of what differs, then model.py.
"""
