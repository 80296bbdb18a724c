"""Keeps the libraries that Facewire computes with from reporting its use to their makers.

    openvino      importing it sends an event and leaves ~/intel/; without openvino_telemetry it sends nothing
    onnxruntime   importing it leaves a device id in ~/.cache/Microsoft/ and reports what it runs
    ray           a cluster reports its use once an hour

The package's `__init__` calls this before any of them can be imported, in every process that is started.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

SWITCHES: Final = {"ORT_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}
"""Variables of the environment, read by the library when it is loaded."""
REPORTERS: Final = ("openvino_telemetry",)
"""Packages that do nothing but report; those that use them go on where they are missing."""


def switch_off() -> None:
    """Let no library report; those that were imported before stay as they are."""
    os.environ.update(SWITCHES)
    modules: dict[str, Any] = sys.modules  # None says: as if it were not installed
    for name in REPORTERS:
        modules.setdefault(name, None)
