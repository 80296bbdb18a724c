"""Signals in the process that runs the tests: their handlers are called, nothing is sent.

Networks that ran earlier in a process have been seen to leave it in a state in which the kernel could not deliver the
first signal to its main thread (SIGSEGV on the return from kill, AVX-512, OpenVINO and torch in turn). What is sent
for real goes to processes of their own.
"""

from __future__ import annotations

import signal


def deliver(number: signal.Signals) -> None:
    """Do what Python does when a signal comes: call its handler, or nothing where it is ignored."""
    handler = signal.getsignal(number)
    if handler is signal.SIG_IGN:
        return
    assert callable(handler), f"{number.name} would end the tests"
    handler(number, None)
