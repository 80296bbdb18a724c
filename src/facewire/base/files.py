"""Files that are either complete or not there: atomic writing, hashing, JSON, exact reads.

    with atomic_output("clip.mp4") as temporary:   temporary is "./.facewire-1f9c....mp4"
        write(temporary)
                                                   fsync, then os.replace onto clip.mp4

A reader of `clip.mp4` sees the old file until the last step and the new one after it, never a mixture. A
process that is killed outright (SIGKILL, power cut) can leave its `.facewire-*` file behind, and nothing
else.

Knows nothing about pictures, tensors or formats other than JSON.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from facewire.base.errors import MediaError, OutputError

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space or write to another disk",
    errno.EDQUOT: "your disk quota is used up: free some space or write to another disk",
    errno.EFBIG: "the file would exceed the size limit of this system: write a shorter or smaller output",
    errno.EROFS: "the disk is read-only: write to another place",
    errno.EIO: "the disk reported a hardware error: write to another disk",
    errno.EACCES: "no permission to write there: choose another folder or change its permissions",
    errno.EPERM: "no permission to write there: choose another folder or change its permissions",
    errno.ENOENT: "the folder does not exist: create it first",
    errno.ENOTDIR: "a part of the path is a file, not a folder: correct the path",
    errno.EISDIR: "this is a folder: give the name of a file",
    errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    errno.ELOOP: "the path is a loop of links: correct the path",
    errno.EINVAL: "the system does not accept this name: choose another one",
}
"""What to tell the user, by `OSError.errno`."""

_DEVICE_FAILURES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""Failures that only writing can cause, whichever call reports them."""

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What `os.link` answers on file systems without hard links (FAT, some network shares)."""


class Readable(Protocol):
    """Anything with `read(n)`: a file, a pipe, a socket file, `io.BytesIO`."""

    def read(self, size: int, /) -> bytes | None:
        """Up to `size` bytes; b"" at the end."""


def check_regular_file(path: Path) -> None:
    """Raise MediaError unless `path` is a file with something in it."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError(path, "no such file: check the path") from error
    except OSError as error:
        raise MediaError(path, f"cannot be read ({error.strerror}): check the path") from error
    if stat.S_ISDIR(found.st_mode):
        raise MediaError(path, "is a folder: give the name of a file")
    if not stat.S_ISREG(found.st_mode):
        raise MediaError(path, "is a device or a pipe: give the name of a file")
    if not os.access(path, os.R_OK):
        raise MediaError(path, "no permission to read it: change its permissions")
    if found.st_size == 0:
        raise MediaError(path, "the file is empty: copy or save it again")


def write_advice(error: OSError) -> str:
    """Return one line that says why writing failed and what to do about it."""
    return _ADVICE.get(error.errno or 0, f"cannot be written ({error.strerror or error})")


@contextmanager
def atomic_output(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in place of `path` only if the body succeeds.

    The temporary file exists (empty) when the body starts, has the suffix of `path`, and is gone afterwards
    whatever happens, KeyboardInterrupt included. Links are followed: the file that a link points to is
    replaced. A replaced file hands its permission bits on; a new one gets those of the umask.

    Args:
        path: where the result belongs; its folder must exist.
        overwrite: False refuses an existing `path`, also one that appears while the body runs.

    Raises:
        OutputError: the result cannot be written: no folder, no permission, no space, a folder or device in
            the way, or an existing file with `overwrite=False`. A full disk inside the body is reported the
            same way; every other exception of the body passes through unchanged.
    """
    with _as_output_error(path):
        target = _checked_target(Path(path), overwrite)
    temporary = beside(target)
    try:
        with _as_output_error(path):
            _create(temporary)
        with _as_output_error(path, only=_DEVICE_FAILURES):
            yield temporary
        with _as_output_error(path):
            _publish(temporary, target, overwrite)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def beside(target: Path) -> Path:
    """Return a fresh name for something temporary in the folder of `target`, with its suffix."""
    return target.with_name(f".facewire-{secrets.token_hex(8)}{target.suffix}")


def check_output(path: str | Path, *, overwrite: bool = True) -> None:
    """Find out whether `atomic_output` could write now; nothing is left behind.

    Raises:
        OutputError: as `atomic_output`.
    """
    with _as_output_error(path):
        _try(beside(_checked_target(Path(path), overwrite)))


def check_output_folder(path: str | Path) -> None:
    """Find out whether files could be written into a folder that is made if need be; nothing is left behind.

    Raises:
        OutputError: a file is in the way, or there is no permission or space.
    """
    with _as_output_error(path):
        place = Path(os.path.realpath(path))
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            raise OutputError(path, "a file is in the way: give the name of a folder")
        _try(beside(place / "any"))


def write_json(path: str | Path, obj: Any, *, overwrite: bool = True) -> None:
    """Write `obj` as indented UTF-8 JSON, atomically. NaN and infinities raise ValueError: JSON has none.

    Odd bytes of names that are no Unicode are lone surrogates here and \\udc80 to \\udcff in the file.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_output(path, overwrite=overwrite) as temporary:
        write_text(temporary, text)


def name_bytes(text: str) -> bytes:
    """Return text with names of files in it as UTF-8, odd bytes of what is no Unicode as they were."""
    return text.encode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8; odd bytes of names that are no Unicode become escapes such as \\udcff."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_json(path: str | Path) -> Any:
    """Return the value stored in a JSON file.

    Raises:
        MediaError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise MediaError(path, _read_advice(error)) from error
    except (ValueError, RecursionError) as error:
        raise MediaError(path, f"is not JSON ({error}): write it again") from error


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 lower-case hexadecimal digits. Reads in pieces.

    Raises:
        MediaError: the file is missing or unreadable.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MediaError(path, _read_advice(error)) from error


def read_exactly(stream: Readable | BinaryIO, n: int) -> bytes:
    """Return exactly `n` bytes, however few of them each `stream.read` delivers.

    Raises:
        EOFError: the stream ended first; the text says how many bytes there were.
        BlockingIOError: the stream is non-blocking and has nothing to give now.
    """
    if n < 0:
        raise ValueError(f"cannot read {n} bytes")
    pieces: list[bytes] = []
    missing = n
    while missing:
        piece = stream.read(missing)
        if piece is None:
            raise BlockingIOError("read_exactly needs a blocking stream")
        if not piece:
            raise EOFError(f"the stream ended after {n - missing} of {n} bytes")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


@contextmanager
def _as_output_error(path: str | Path, only: frozenset[int] | None = None) -> Iterator[None]:
    """Turn OSError (with `only`: of these numbers) into OutputError for `path`."""
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        raise OutputError(path, write_advice(error)) from error
    except ValueError as error:
        # The only ValueError of the os functions: a NUL byte in the path. The body's own pass through.
        if only is not None:
            raise
        raise OutputError(path, f"{error}: choose another name") from error


def _checked_target(path: Path, overwrite: bool) -> Path:
    """Return the real file behind `path` after checking that it may be replaced."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(mode):
        raise OutputError(path, _ADVICE[errno.EISDIR])
    if not stat.S_ISREG(mode):
        raise OutputError(path, "this is a device or a pipe: give the name of a file")
    if not overwrite:
        raise _already_there(path)
    if not os.access(target, os.W_OK):
        raise OutputError(path, "the file is write-protected: choose another name or change its permissions")
    return target


def _try(file: Path) -> None:
    """Create a file and remove it again."""
    _create(file)
    file.unlink()


def _create(file: Path) -> None:
    """Create an empty file that is not there yet; its mode follows the umask."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def _publish(temporary: Path, target: Path, overwrite: bool) -> None:
    """Make the bytes durable, then give them the name `target` in one step."""
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    with temporary.open("r+b") as stream:
        os.fsync(stream.fileno())
    if overwrite:
        temporary.replace(target)
    else:
        _claim(temporary, target)
    _sync_folder(target.parent)


def _claim(temporary: Path, target: Path) -> None:
    """Give `temporary` the name `target` unless that name is taken: a hard link cannot overwrite."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _already_there(target) from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if target.exists():
            raise _already_there(target) from None
        temporary.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system allows folders to be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _already_there(path: Path) -> OutputError:
    return OutputError(path, "is already there: choose another name or allow overwriting")


def _read_advice(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file: check the path"
    if isinstance(error, IsADirectoryError):
        return "is a folder: give the name of a file"
    if isinstance(error, PermissionError):
        return "no permission to read it: change its permissions"
    return f"cannot be read ({error.strerror or error})"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
