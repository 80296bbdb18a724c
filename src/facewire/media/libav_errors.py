"""The border to PyAV: its exceptions become MediaError (reading) or OutputError (writing), only here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av.error

from facewire.base.errors import FacewireError, MediaError, OutputError
from facewire.base.files import write_advice

FOREIGN = (av.error.FFmpegError, OSError, ValueError, LookupError, RuntimeError, MemoryError)
"""What PyAV raises: its own tree, plus builtins from its argument checks."""


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Raise MediaError for `path` in place of whatever PyAV raises inside."""
    try:
        yield
    except FacewireError:
        raise
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        problem = "is not a video, or its beginning or index is cut off: copy it again"
        raise MediaError(path, problem) from error
    except av.error.DecoderNotFoundError as error:
        raise MediaError(path, "no decoder for this kind of video: convert it to MP4 (H.264)") from error
    except PermissionError as error:
        raise MediaError(path, "no permission to read it: change its permissions") from error
    except FOREIGN as error:
        problem = f"cannot be read as video ({one_line(error)}): copy it again or convert it to MP4 (H.264)"
        raise MediaError(path, problem) from error


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Raise OutputError for `path` in place of whatever PyAV raises inside."""
    try:
        yield
    except FacewireError:
        raise
    except OSError as error:  # PyAV's too: libav reports errno values
        raise OutputError(path, write_advice(error)) from error
    except FOREIGN as error:
        raise OutputError(path, f"cannot be encoded ({one_line(error)})") from error


def one_line(error: BaseException) -> str:
    """The reason without PyAV's error number, file name and log excerpt."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())
