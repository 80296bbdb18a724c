"""Serving to browsers: the door of a page on this machine, its sockets, an application that runs until told to stop.

Needs aiohttp, which comes with the extras `call` and `studio`.
"""
