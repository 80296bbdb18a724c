"""Facewire: one photo and a thin stream of numbers become a talking head."""

from __future__ import annotations

__version__ = "0.1.0"
