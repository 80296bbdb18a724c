"""The page of a call: its files, what it may say, and its agent behind the door of transport/web/door.py."""

from __future__ import annotations

from pathlib import Path

from facewire.call.agent import Agent
from facewire.call.messages import page_messages as page
from facewire.transport.web.door import Door, Rules

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/controls.js": ("controls.js", "text/javascript"),
    "/face.js": ("face.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Everything that is served; there is no way to another file."""
RULES = Rules(
    files=FILES,
    to_host=page.TO_AGENT,
    to_page=page.TO_PAGE,
    largest=page.LARGEST_PHOTO_FILE,
    rate=40.0,  # dragging the face sends the most
    burst=120.0,
    allowed="camera=(self), microphone=(self)",
    command="facewire call",
)


class PageServer(Door):
    """Serves one agent's page.

    Args:
        agent: the agent.
        assets: the folder with the page's files.
    """

    def __init__(self, agent: Agent, assets: Path) -> None:
        super().__init__(agent, assets, RULES)
