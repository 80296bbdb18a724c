"""What of the source picture a candidate of a frame shows (composition.py): names that engines pass on, too."""

from __future__ import annotations

PHOTO, PERSON = "photo", "person"
"""All of it moved, or its person before the background."""
