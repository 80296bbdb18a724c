"""What everything stands on: errors, files, configuration, the standard library only.

Goes in: paths, dictionaries, names. Comes out: typed errors, files that are whole or not there, checked settings. May
be imported by every room.
"""
