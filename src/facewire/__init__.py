"""Facewire: one photo and a thin stream of numbers become a talking head.

    import facewire

    animator = facewire.load()
    person = animator.person("photo.jpg")
    recorded = facewire.record(animator, "driving.mp4")
    for picture in animator.render(person, facewire.turn(recorded.motions, yaw=20)):  # uint8 (H, W, 3)
        ...

What stands in `__all__` is the public interface (docs/api.md); everything else may change. Importing this package is
light; torch is loaded by the first call. It keeps the libraries below it from reporting their use over the network
(base/telemetry.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facewire.base import telemetry

if TYPE_CHECKING:
    from pathlib import Path

    from facewire.animation.animator import Animator, Person
    from facewire.animation.driving import RecordedMotion
    from facewire.base.errors import FacewireError
    from facewire.evaluation.measuring.settings import Settings
    from facewire.evaluation.protocols.run import Outcome
    from facewire.geometry.head_motion import HeadMotion
    from facewire.talks.decoder import DecodeOptions, DecodeReport
    from facewire.talks.encoder import EncodeOptions, EncodeReport

__version__ = "0.2.0"
__all__ = [
    "Animator",
    "DecodeOptions",
    "EncodeOptions",
    "FacewireError",
    "HeadMotion",
    "Person",
    "RecordedMotion",
    "__version__",
    "decode",
    "encode",
    "evaluate",
    "load",
    "record",
    "turn",
]

_TYPES = {
    "Animator": "animation.animator",
    "DecodeOptions": "talks.decoder",
    "EncodeOptions": "talks.encoder",
    "FacewireError": "base.errors",
    "HeadMotion": "geometry.head_motion",
    "Person": "animation.animator",
    "RecordedMotion": "animation.driving",
}
"""Public types and where they live; imported when first asked for."""

telemetry.switch_off()


def __getattr__(name: str) -> Any:
    """Return a public type."""
    from importlib import import_module

    if name not in _TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"facewire.{_TYPES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def load(weights: str | Path = "compact-256", device: str = "cpu", engine: str = "torch") -> Animator:
    """Return an animator with published weights (by name) or a weights file (by path).

    Args:
        weights: which.
        device: where torch computes: cpu, cuda or mps.
        engine: what reads and renders frames: torch, openvino, onnxruntime, or auto for the fastest one here.

    Raises:
        WeightsError: the weights cannot be used.
        ConfigError: the engine cannot run here.
    """
    from facewire.animation.animator import Animator

    return Animator.load(weights, device, engine)


def record(animator: Animator, video: str | Path, crop: str = "auto") -> RecordedMotion:
    """Return the head motion of a driving video; crop is "auto" or "none" (frames are head crops already).

    Raises:
        MediaError: the video cannot be read, or shows no face.
    """
    from facewire.animation.driving import record as read

    return read(animator, video, crop_mode=crop)


def turn(motions: HeadMotion, *, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> HeadMotion:
    """Return T motions seen from another side: the head turned about the neck, nothing else changed.

    Args:
        motions: (T) how the head moves.
        yaw: degrees, positive turns the nose to the picture's right; at most 45 either way.
        pitch: degrees, positive raises the nose; at most 30 either way.
        roll: degrees, positive tilts clockwise; at most 45 either way.

    Raises:
        ConfigError: an angle is too large.
    """
    from facewire.animation.animate import viewed
    from facewire.animation.view import ViewPath

    return viewed(motions, ViewPath((yaw,), (pitch,), (roll,)))


def encode(
    animator: Animator,
    video: str | Path,
    output: str | Path,
    options: EncodeOptions | None = None,
    *,
    source: str | Path | None = None,
    crop: str = "auto",
) -> EncodeReport:
    """Write a video as a talk (.fwv): one picture, then a few bytes of motion a frame, and the sound.

    Args:
        animator: whose networks read the video.
        video: the talking head.
        output: the .fwv file; it appears when it is whole.
        options: how the talk is coded.
        source: a photo of the person to show; None takes the video's own first picture.
        crop: "auto" finds the head, "none" takes frames that are head crops already.

    Raises:
        MediaError: the video or the photo cannot be read, or shows no face.
        OutputError: the file cannot be written.
        ConfigError: a setting is out of its range.
    """
    from facewire.base.files import atomic_output
    from facewire.talks.encoder import EncodeOptions, encode
    from facewire.talks.squares import TalkSquares

    chosen = options or EncodeOptions()
    photo = None
    if source is not None:
        photo = animator.person(source, crop_mode=crop, head=True, size=chosen.size).shown
    squares = TalkSquares(animator, video, crop_mode=crop, sound=chosen.sound, kbit_per_s=chosen.kbit_per_s)
    with squares, atomic_output(output) as temporary, temporary.open("wb") as sink:
        return encode(animator, squares, sink, chosen, output=str(output), photo=photo)


def decode(
    animator: Animator,
    talk: str | Path,
    output: str | Path,
    options: DecodeOptions | None = None,
    *,
    person: Person | None = None,
) -> DecodeReport:
    """Render a talk (.fwv) into a video, from any side, as its own person or another.

    Args:
        animator: with the weights that the talk was made with.
        talk: the .fwv file.
        output: .mp4, .mov, .mkv, .webm or .gif; it appears when it is whole.
        options: how the talk is shown.
        person: whom to show instead, as this person was prepared: the whole photo or the head.

    Raises:
        MediaError: there is no such file.
        MotionFileError: it is no talk, damaged, or made with other weights.
        OutputError: the video cannot be written.
    """
    from pathlib import Path

    from facewire.base.files import check_regular_file
    from facewire.bitstream.container import stated_frames
    from facewire.talks.decoder import DecodeOptions, decode

    check_regular_file(Path(talk))
    chosen = options or DecodeOptions()
    with Path(talk).open("rb") as stream:
        frames = stated_frames(stream)
        return decode(animator, stream, output, chosen, name=str(talk), other=person, frames=frames)


def evaluate(
    animator: Animator,
    protocol: str,
    data: str | Path,
    output: str | Path,
    settings: Settings | None = None,
    *,
    nets: str | Path | None = None,
) -> Outcome:
    """Measure an animator's model by one of the paper's protocols and write a report.

    Args:
        animator: the model.
        protocol: reconstruction, transfer, freeview, canonical or occlusion.
        data: folder of clips, square head crops of one person each.
        output: folder of the report, made if need be; finished clips in it are taken up.
        settings: how many clips and frames.
        nets: folder of the networks that some metrics need.

    Raises:
        ConfigError: no such protocol.
        MediaError: there is no clip.
        WeightsError: a network of a metric is not the published one.
    """
    from pathlib import Path

    from facewire.evaluation.measuring.settings import Settings
    from facewire.evaluation.protocols.run import evaluate

    return evaluate(
        protocol,
        animator,
        Path(data),
        Path(output),
        settings or Settings(),
        nets=None if nets is None else Path(nets),
    )
