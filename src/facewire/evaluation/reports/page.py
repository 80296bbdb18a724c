"""A self-contained page: sections of text, tables, plots, pictures and films become one HTML file.

No script, no other file: pictures and films are inside as base64. Knows nothing about protocols. The markup is in
templates/page.html, where everything but plots is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined

from facewire.base.files import atomic_output, write_text

MIME = {".jpg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; `strong` rows are set apart.

    head     headings
    rows     as many cells each
    strong   numbers of the rows that are ours
    caption  under the table
    texts    columns that hold text, not numbers, from the left
    """

    kind: ClassVar = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: frozenset[int] = frozenset()
    caption: str = ""
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Plots:
    """SVG texts side by side."""

    kind: ClassVar = "plots"
    plots: Sequence[str]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture or film.

    data     the file's bytes
    suffix   .jpg, .png or .mp4
    caption  under it
    """

    kind: ClassVar = "embedded"
    data: bytes
    suffix: str
    caption: str = ""

    @property
    def source(self) -> str:
        """The address of a picture or film that is inside the page."""
        return f"data:{MIME[self.suffix]};base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar = "text"
    text: str
    warning: bool = False


Block = Table | Plots | Embedded | Text


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what follows."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    sections: Sequence[Section] = field(default_factory=tuple)


def html(page: Page) -> str:
    """Return the page as one HTML text."""
    loader = PackageLoader(__package__)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(page=page)


def write_page(page: Page, path: Path, *, overwrite: bool = True) -> Path:
    """Write a page as HTML, atomically, and return its path.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_output(path, overwrite=overwrite) as temporary:
        write_text(temporary, html(page))
    return path
