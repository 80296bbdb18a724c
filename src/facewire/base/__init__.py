"""Standard library only: errors, files, configuration."""
