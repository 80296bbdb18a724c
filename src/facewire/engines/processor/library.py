"""OpenVINO's Python package, loaded without its converter for other formats, which takes longer than all the rest."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

CONVERTER = "openvino.tools.ovc"
"""What the package imports for `convert_model`, and does without where it is missing."""


@cache
def loaded() -> Any:
    """Return the package; `openvino.convert_model` loads the converter when somebody asks for it.

    Raises:
        ImportError: OpenVINO is not installed, or does not load here.
    """
    if "openvino" in sys.modules or CONVERTER in sys.modules:
        return import_module("openvino")
    modules: dict[str, Any] = sys.modules  # None says: as if it were not installed
    modules[CONVERTER] = None
    try:
        package: Any = import_module("openvino")
    finally:
        del modules[CONVERTER]
    package.__getattr__ = _later
    return package


def _later(name: str) -> Any:
    if name != "convert_model":
        raise AttributeError(f"module 'openvino' has no attribute {name!r}")
    return import_module(CONVERTER).convert_model
