"""The studio: a page on this machine that shows what animate and rotate do while it is chosen, and queues commands.

Goes in: photos, drivers, a webcam, what the page says. Comes out: pictures of the screen's size, and jobs, which are
command lines. Only cli imports it.
"""
