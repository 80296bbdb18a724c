"""The `facewire` command: one file a command; they import their rooms when they run. Only this folder prints.

Goes in: the words of a command line. Comes out: what the command does, and an exit code (main.py). No room
imports it; studio's queue runs it as a command.
"""
