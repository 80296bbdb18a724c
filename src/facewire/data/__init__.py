"""From clips on disk to augmented (source, driving) pairs."""
