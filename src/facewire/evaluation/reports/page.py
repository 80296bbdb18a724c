"""A self-contained page: sections of text, tables, plots, pictures and films become one HTML file.

No script, no other file: pictures and films are inside as base64. Knows nothing about protocols.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

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

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: frozenset[int] = frozenset()
    caption: str = ""
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Plots:
    """SVG texts side by side."""

    plots: Sequence[str]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture or film.

    data     the file's bytes
    suffix   .jpg, .png or .mp4
    caption  under it
    """

    data: bytes
    suffix: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

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


STYLE = """
:root { color-scheme: light; --ink: #1f2328; --faint: #636c76; --line: #d8dee4; --ours: #eaf2ff; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: #fff;
       max-width: 1120px; margin: 0 auto; padding: 28px 24px 80px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 44px 0 10px; border-bottom: 1px solid var(--line); }
p { max-width: 86ch; margin: 8px 0; }
.sub { color: var(--faint); margin: 0 0 16px; }
.warning { background: #fff4e5; border-left: 4px solid #d4820a; padding: 8px 12px; }
nav { border-bottom: 1px solid var(--line); padding: 6px 0; }
nav a { margin-right: 14px; color: #0b57d0; text-decoration: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 10px 0 4px; font-size: 14px; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th { font-weight: 600; border-bottom: 2px solid var(--line); vertical-align: bottom; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
.t { text-align: left; white-space: normal; min-width: 10ch; max-width: 68ch; overflow-wrap: break-word; }
tr.ours td { background: var(--ours); font-weight: 600; }
.caption { color: var(--faint); font-size: 13px; max-width: 96ch; }
figure { margin: 14px 0 22px; }
figure img, figure video { max-width: 100%; height: auto; display: block; border-radius: 4px; }
.plots { display: flex; flex-wrap: wrap; gap: 14px 26px; }
svg { font-family: inherit; max-width: 100%; height: auto; }
""".strip()


def html(page: Page) -> str:
    """Return the page as one HTML text."""
    links = "".join(f'<a href="#s{i}">{escape(section.title)}</a>' for i, section in enumerate(page.sections))
    body = "\n".join(_section(i, section) for i, section in enumerate(page.sections))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1>{escape(page.title)}</h1><p class="sub">{escape(page.subtitle)}</p><nav>{links}</nav>\n'
        f"{body}\n</body></html>\n"
    )


def _section(index: int, section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="s{index}"><h2>{escape(section.title)}</h2>\n{blocks}</section>'


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Plots():
            return (
                f'<figure><div class="plots">{"".join(block.plots)}</div>{_caption(block.caption)}</figure>'
            )
        case Embedded():
            return _embedded(block)
        case Text():
            return f"<p{' class=warning' if block.warning else ''}>{escape(block.text)}</p>"


def _table(table: Table) -> str:
    head = "".join(f"<th{_kind(i, table)}>{escape(cell)}</th>" for i, cell in enumerate(table.head))
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(f"<td{_kind(i, table)}>{escape(cell)}</td>" for i, cell in enumerate(row))
        rows.append(f"<tr{' class=ours' if number in table.strong else ''}>{cells}</tr>")
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="wide">{body}</div>{_caption(table.caption)}'


def _kind(column: int, table: Table) -> str:
    return " class=t" if column < table.texts else ""


def _embedded(block: Embedded) -> str:
    source = f"data:{MIME[block.suffix]};base64,{base64.b64encode(block.data).decode()}"
    label = escape(block.caption)
    if block.suffix == ".mp4":
        media = f'<video controls loop muted playsinline preload="auto" src="{source}" aria-label="{label}"></video>'
    else:
        media = f'<img src="{source}" alt="{label}">'
    return f"<figure>{media}{_caption(block.caption)}</figure>"


def _caption(text: str) -> str:
    return f'<figcaption class="caption">{escape(text)}</figcaption>' if text else ""
