"""The next frame of a websocket, for both servers."""

from __future__ import annotations

from aiohttp import WSMessage, web

from facewire.base.errors import ProtocolError


class SilenceError(ProtocolError):
    """Nothing was said in time."""


async def next_frame(socket: web.WebSocketResponse, timeout: float | None) -> WSMessage:
    """Return the next frame, whatever it is; `timeout` in seconds.

    Raises:
        SilenceError: nothing came in time.
        ProtocolError: nobody is there any more.
    """
    try:
        return await socket.receive(timeout=timeout)
    except TimeoutError:
        raise SilenceError("nothing was said in time") from None
    except ConnectionError:  # the answer to a ping found nobody there
        raise ProtocolError("the connection ended") from None
