"""Every failure Facewire raises on purpose, as one tree.

    FacewireError
      ConfigError          a setting is outside its range or unknown          exit 2
      NotInstalled         an optional package is missing                      exit 2
      UsageError           a command line cannot be understood                exit 2
      ShapeError           a tensor has the wrong shape                        exit 2
      MediaError           a picture or video cannot be read or written        exit 3
        NoFaceFound        no face where one is needed                         exit 3
        OutputError        the result cannot be written                        exit 3
      WeightsError         a weights file is wrong                             exit 4
        HashMismatch       its bytes are not the published ones                exit 4
        SchemaMismatch     its tensors do not fit the network                  exit 4
      MotionFileError      a recorded motion file is wrong                     exit 5
      BitstreamError       coded bytes cannot be decoded                       exit 5
        NotAStream         they are not a Facewire stream                      exit 5
        UnsupportedVersion they need a newer Facewire                          exit 5
        UnknownTable       the coding tables they name are not here            exit 5
        TruncatedStream    they end too early                                  exit 5
        CorruptPacket      they break the format                               exit 5
        MissingReference   they build on a frame that never arrived            exit 5
      CallError            a call cannot start or go on                        exit 6
        ProtocolError      the other side said something impossible            exit 6
      TrainingError        a run cannot go on                                  exit 7
        NonFiniteLoss      the loss is NaN or infinite                         exit 7

Each class carries data, builds one line of text from it, and says what to do next.
The command line prints that line and ends with the exit code of the branch.
"""

from __future__ import annotations

from pathlib import Path


class FacewireError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigError(FacewireError):
    """A setting is unknown or outside its range."""

    exit_code = 2

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field, self.value, self.allowed = field, value, allowed
        super().__init__(f"{field} = {value!r} is not possible: use {allowed}")


class NotInstalled(FacewireError):
    """An optional package is missing; the text says which extra brings it."""

    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package} is not installed: pip install 'facewire[{extra}]'")


class UsageError(FacewireError):
    """A command line cannot be understood; the text says which part."""

    exit_code = 2


class ShapeError(FacewireError):
    """A tensor or array does not have the shape the function is defined for."""

    exit_code = 2

    def __init__(self, name: str, expected: str, actual: tuple[int, ...]) -> None:
        self.name, self.expected, self.actual = name, expected, tuple(actual)
        super().__init__(f"{name} has shape {tuple(actual)}, expected {expected}")


class MediaError(FacewireError):
    """A picture or video cannot be used; the text says why and what to do."""

    exit_code = 3

    def __init__(self, path: str | Path, problem: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(f"{path}: {problem}")


class NoFaceFound(MediaError):
    """No face was found where one is needed."""

    def __init__(self, path: str | Path, hint: str = "") -> None:
        super().__init__(path, "no face found" + (f"; {hint}" if hint else ""))


class OutputError(MediaError):
    """The result cannot be written (no folder, no space, no permission, already there)."""


class WeightsError(FacewireError):
    """A weights file or its manifest cannot be used."""

    exit_code = 4

    def __init__(self, path: str | Path, problem: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(f"{path}: {problem}")


class HashMismatch(WeightsError):
    """The file's SHA-256 is not the one its manifest names."""

    def __init__(self, path: str | Path, expected: str, actual: str) -> None:
        self.expected, self.actual = expected, actual
        super().__init__(
            path, f"SHA-256 is {actual[:16]}..., the manifest says {expected[:16]}...; get the file again"
        )


class SchemaMismatch(WeightsError):
    """The file's tensors do not fit the network that its config describes."""

    def __init__(self, path: str | Path, missing: list[str], unexpected: list[str], wrong: list[str]) -> None:
        self.missing, self.unexpected, self.wrong_shape = missing, unexpected, wrong
        super().__init__(
            path,
            f"tensors do not fit the network ({len(missing)} missing, {len(unexpected)} unexpected, "
            f"{len(wrong)} of another shape); these weights belong to another preset or version",
        )


class MotionFileError(FacewireError):
    """A recorded motion file cannot be read."""

    exit_code = 5

    def __init__(self, path: str | Path, problem: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(f"{path}: {problem}")


class BitstreamError(FacewireError):
    """Coded bytes cannot be decoded; `offset` is where, in bytes from the start of the stream or packet."""

    exit_code = 5

    def __init__(self, offset: int, problem: str) -> None:
        self.offset, self.problem = offset, problem
        super().__init__(f"byte {offset}: {problem}")


class NotAStream(BitstreamError):
    """The bytes do not begin like a Facewire stream."""

    def __init__(self, offset: int, problem: str = "this is not a Facewire stream: check the file") -> None:
        super().__init__(offset, problem)


class UnsupportedVersion(BitstreamError):
    """The stream uses something that this version of Facewire does not know."""

    def __init__(self, offset: int, what: str) -> None:
        self.what = what
        super().__init__(offset, f"{what} is not known here: a newer Facewire is needed")


class UnknownTable(BitstreamError):
    """The stream names coding tables that the decoder does not hold."""

    def __init__(self, offset: int, table: int, digest: bytes) -> None:
        self.table, self.digest = table, digest
        super().__init__(
            offset,
            f"coding tables {table} with hash {digest.hex()} are not here: get the model it was coded with",
        )


class TruncatedStream(BitstreamError):
    """The bytes end too early; everything before the cut has been delivered."""

    def __init__(self, offset: int, problem: str = "the stream ends too early: get the rest of it") -> None:
        super().__init__(offset, problem)


class CorruptPacket(BitstreamError):
    """The bytes break a rule of the format, or a checksum does not fit."""


class MissingReference(BitstreamError):
    """A packet builds on a frame or source that the decoder does not hold."""

    def __init__(self, offset: int, reference: int, kind: str = "frame") -> None:
        self.reference, self.kind = reference, kind
        super().__init__(
            offset, f"{kind} {reference}, on which this packet builds, is not here: ask for a new one"
        )


class CallError(FacewireError):
    """A call cannot start or go on; the text says why and what to do."""

    exit_code = 6


class ProtocolError(CallError):
    """A peer, a page or a server said something that the protocol does not know; only that connection ends."""


class TrainingError(FacewireError):
    """A training run cannot start or go on."""

    exit_code = 7


class NonFiniteLoss(TrainingError):
    """The loss became NaN or infinite; raised before the optimizer step."""

    def __init__(self, step: int, terms: dict[str, float], clips: list[str]) -> None:
        self.step, self.terms, self.clips = step, terms, clips
        bad = ", ".join(
            f"{name} = {value:g}" for name, value in terms.items() if not abs(value) < float("inf")
        )
        super().__init__(
            f"step {step}: the loss is not finite ({bad}); no weight was changed and the last checkpoint is "
            f"kept: look at the clips of this batch ({', '.join(clips)}), or go on in a new folder from the "
            "last weights (--init) with another --seed"
        )
