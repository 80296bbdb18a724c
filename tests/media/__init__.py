"""Tests of facewire.media, on media made here."""
