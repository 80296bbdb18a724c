"""Tests of facewire.base."""
