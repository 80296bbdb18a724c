"""What the drivers of the two browsers have in common: a process, a websocket with numbered commands, waiting."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
from pathlib import Path
from typing import Any

import aiohttp

START_SECONDS = ANSWER_SECONDS = 60.0


class Browser:
    """One browser with one page.

    Args:
        folder: for its profile.
        size: of the window.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 860)) -> None:
        self.folder, self._size = folder, size
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.console: list[str] = []
        """What the page complained of."""

    # What each browser does its own way.

    def program(self) -> list[str]:
        """Return the command line."""
        raise NotImplementedError

    async def address(self, session: aiohttp.ClientSession) -> str:
        """Return where the browser listens for commands."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Make the page ready to be driven."""

    async def load(self, address: str) -> None:
        """Begin to load a page."""
        raise NotImplementedError

    async def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        raise NotImplementedError

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Change the page's size."""
        raise NotImplementedError

    async def screenshot(self, path: Path) -> None:
        """Write what the page looks like."""
        raise NotImplementedError

    def hear(self, message: dict[str, Any]) -> None:
        """Take an event."""

    # What is the same.

    async def __aenter__(self) -> Browser:
        async with contextlib.AsyncExitStack() as stack:
            process = subprocess.Popen(self.program(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(_end, process)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            address = await self.address(session)
            self._socket = await stack.enter_async_context(session.ws_connect(address, max_msg_size=0))
            reader = asyncio.create_task(self._read())
            stack.callback(reader.cancel)
            await self.prepare()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def open(self, address: str) -> None:
        """Load a page."""
        await self.load(address)
        await self.until("location.protocol == 'http:' && document.readyState == 'complete'")

    async def until(self, expression: str, seconds: float = 60.0) -> Any:
        """Wait until an expression is true."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:  # a busy browser may take seconds to answer
            value = await self.value(expression)
            if value:
                return value
            await asyncio.sleep(0.1)
        text = await self.value("document.body ? document.body.innerText : ''")
        raise AssertionError(f"never true: {expression}\n{text}\n{self.console}")

    async def command(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(self._waiting[number], ANSWER_SECONDS)

    async def appears(self, path: Path) -> str:
        """Return what stands in a file as soon as something does."""
        for _ in range(round(START_SECONDS / 0.1)):
            if path.exists() and path.read_text().strip():
                return path.read_text()
            await asyncio.sleep(0.1)
        raise AssertionError("the browser did not start")

    async def _read(self) -> None:
        async for frame in self._socket:
            message = frame.json()
            if message.get("id") is None:
                self.hear(message)
                continue
            answer = self._waiting.pop(message["id"])
            if not answer.done():  # nobody waits any more for what took too long
                answer.set_result(message.get("result", message))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the browser has gone"))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
