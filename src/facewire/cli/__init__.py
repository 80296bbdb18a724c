"""The `facewire` command: one file a command; they import their rooms when they run. Only this folder prints."""
