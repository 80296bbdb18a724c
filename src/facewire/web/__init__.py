"""Facewire in a browser: the modules that run there (site/), and the folder that a static host serves.

Goes in: weights and their graphs. Comes out: a folder of pages, modules and weights (docs/web.md). Only cli
imports it.
"""
