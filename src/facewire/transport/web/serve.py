"""Runs an aiohttp application until it is told to stop, and perhaps something beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from facewire.base.endings import ENDINGS, HANGUP, is_ignored, leave_terminal
from facewire.base.errors import CallError


def _is_ours(record: logging.LogRecord) -> bool:
    """Keep requests that are no HTTP out of the log: strangers could fill it, and it would quote them."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_log = logging.getLogger(__name__)
_log.addFilter(_is_ours)


async def serve(
    app: web.Application,
    host: str,
    port: int,
    started: Callable[[int], None],
    beside: Coroutine[Any, Any, None] | None = None,
) -> None:
    """Serve until interrupted or terminated, or until what runs beside it ends.

    Args:
        app: the application; its requests are not logged.
        host: address to listen on.
        port: 0 for any free one.
        started: told the port when it listens.
        beside: runs along, and is cancelled at the end.

    Raises:
        CallError: the port is taken, or the address is not this machine's.
    """
    work = asyncio.create_task(beside) if beside is not None else None
    runner = web.AppRunner(app, access_log=None, logger=_log, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise CallError(
                f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port"
            ) from None
        started(int(runner.addresses[0][1]))
        await _until_stopped(work)
    finally:
        if work is not None:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        await runner.cleanup()


async def _until_stopped(work: asyncio.Task[None] | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if number == HANGUP:
            leave_terminal()
        stopped.set()

    for number in (signal.SIGINT, *ENDINGS):
        if not is_ignored(number):
            with contextlib.suppress(NotImplementedError, RuntimeError):  # not in every thread and system
                loop.add_signal_handler(number, stop, number)
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait({waiting, *([work] if work else [])}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work is not None and work in done:
        work.result()
