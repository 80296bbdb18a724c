"""Which coding tables belong to which weights: statistics of the motion that these networks read.

published weights    with the package, named after the preset: paper-128-standard, compact-256's compact-standard
any other weights    STEM-tables/ beside STEM.safetensors, made by facewire fit-tables
none of their own    compact-256's, which code any 20 keypoints, only in more bytes; imported weights with 15 or 21
                     the generic ones of scripts/generic_tables.py, which know no face and have one rate
"""

from __future__ import annotations

from pathlib import Path

from facewire.animation.animator import Animator
from facewire.base.errors import ConfigError
from facewire.codec.tables.artefact import CodecTables
from facewire.codec.tables.shelf import Shelf
from facewire.codec.tables.shipped import FOLDER
from facewire.networks.manifest import COMPACT

STANDARD = "standard"
"""The rate of steps so small that nobody sees them."""
COARSE = "coarse"
"""The rate at which the picture does not suffer yet (docs/lab)."""
FAMILY = "compact"
"""First part of the names of compact-256's tables."""
GENERIC = "generic-{}-standard"
"""Tables for any motion of so many keypoints."""


def is_generic(name: str) -> bool:
    """Say whether tables of a name know no face."""
    return name.startswith(GENERIC.partition("{")[0])


def usual_rate(animator: Animator) -> str:
    """Return the rate that a talk has by default: coarse, or standard where the weights' own tables lack it."""
    names, family = shelf_of(animator).names, family_of(animator.manifest.preset)
    lacks = f"{family}-{COARSE}" not in names and f"{family}-{STANDARD}" in names
    return STANDARD if lacks else COARSE


def tables_of(animator: Animator, rate: str = STANDARD) -> CodecTables:
    """Return the tables of an animator's weights: fine, standard or coarse.

    Raises:
        ConfigError: there is no such rate, or there are no tables for so many keypoints.
        HashMismatch: the tables are not those of their manifest.
    """
    shelf = shelf_of(animator)
    own = f"{family_of(animator.manifest.preset)}-{rate}"
    if own in shelf.names:
        return shelf.named(own)
    count = animator.keypoints
    tables = shelf.named(f"{FAMILY}-{rate}")
    if tables.keypoints == count:
        return tables
    if (generic := GENERIC.format(count)) not in shelf.names:
        raise ConfigError("keypoints", count, "profile raw, for there are no coding tables for so many")
    return shelf.named(generic)


def shelf_of(animator: Animator) -> Shelf:
    """Return all tables that talks of an animator's weights may be coded with; those beside the weights first."""
    return shelf_beside(animator.path)


def shelf_beside(weights: Path | None) -> Shelf:
    """Return the tables beside a weights file, where there is one, and those of the package."""
    beside = () if weights is None else (folder_beside(weights),)
    return Shelf(*beside, FOLDER)


def folder_beside(weights: Path) -> Path:
    """Return where the tables of a weights file lie."""
    return weights.with_name(f"{weights.stem}-tables")


def family_of(preset: str) -> str:
    """Return the first part of the names of a preset's tables."""
    return FAMILY if preset == COMPACT else preset
