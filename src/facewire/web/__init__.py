"""Facewire in a browser: the modules that run there (site/), and the folder that a static host serves."""
