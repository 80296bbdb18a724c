"""What a screen reader is told of a page: Chromium's accessibility tree."""

from __future__ import annotations

from dataclasses import dataclass

from tests.call.browsers.browser import Browser

OPERATED = frozenset(
    {
        "button",
        "checkbox",
        "slider",
        "combobox",
        "spinbutton",
        "textbox",
        "application",
        "link",
        "DisclosureTriangle",
    }
)


@dataclass(frozen=True)
class Told:
    """An element as it is read out."""

    role: str
    name: str
    properties: dict[str, object]


async def read_out(browser: Browser) -> list[Told]:
    """Return everything that is not passed over, in its order."""
    await browser.command("Accessibility.enable")
    nodes = (await browser.command("Accessibility.getFullAXTree"))["nodes"]
    await browser.command("Accessibility.disable")
    return [
        Told(
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {one["name"]: one["value"].get("value") for one in node.get("properties", [])},
        )
        for node in nodes
        if not node.get("ignored")
    ]


async def press(browser: Browser, key: str, *, control: bool = False, times: int = 1) -> None:
    """Press a key on the element that has the focus."""
    codes = {"Tab": 9, "Enter": 13, "Delete": 46, "Home": 36, "End": 35, "ArrowLeft": 37, "ArrowRight": 39}
    named = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": 2 if control else 0}
    text = {"text": "\r"} if key == "Enter" else {}
    for _ in range(times):
        await browser.command("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        await browser.command("Input.dispatchKeyEvent", type="keyUp", **named)
