"""Pictures that have no file: frames of a camera or a page, live video.

May be imported where media may.
"""
