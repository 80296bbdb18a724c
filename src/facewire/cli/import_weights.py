"""facewire import: bring your own weights of the same family of models."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facewire.cli import options, places
from facewire.cli.arguments import whole

EXAMPLES = """examples:
  facewire import liveportrait pretrained_weights/liveportrait -o lp
  facewire import zlh 00000189-checkpoint.pth.tar -o zlh
  facewire animate photo.jpg driving.mp4 -o talking.mp4 --weights lp
  facewire import liveportrait pretrained_weights/liveportrait -o lp --overwrite --check report/

where the files are published, and under which terms; nothing is downloaded here:
  liveportrait  huggingface.co/KwaiVGI/LivePortrait: appearance_feature_extractor, motion_extractor, warping_module,
                spade_generator and, for stitching and retargeting, stitching_retargeting_module (MIT; the face finder
                of InsightFace, for research only, is not needed: Facewire has its own)
  zlh           github.com/zhanglonghao1992/One-Shot_Free-View_Neural_Talking_Head_Synthesis: one checkpoint
                (CC BY-NC 4.0: no commercial use)
  sadtalker     github.com/OpenTalker/SadTalker: facevid2vid_00189-model.pth.tar (Apache-2.0); its newer safetensors
                lack the network that reads motion from pictures
  zk            github.com/zhengkw18/face-vid2vid: one checkpoint (no licence stated)"""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was done."""

    name: str
    path: str
    family: str
    licence: str
    sha256: str
    sources: dict[str, str]
    left_out: tuple[str, ...]


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "import",
        help="use published weights of LivePortrait, ZLH, SadTalker or ZK",
        description="Recognise published weights by their tensors' names, check every name and shape, and keep them "
        "under a name that --weights takes. Pickles are not executed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("family", choices=("liveportrait", "sadtalker", "zlh", "zk"), help="whose they are")
    parser.add_argument(
        "files", nargs="+", metavar="DIR|FILE", help="all files of the model, or their folder"
    )
    parser.add_argument("-o", "--output", required=True, metavar="NAME", help="what --weights will call them")
    parser.add_argument(
        "--side",
        type=whole("side", 128, 1024),
        metavar="PIXELS",
        help="side of the pictures that the networks read; 512 for SadTalker's larger model (default: 256)",
    )
    parser.add_argument(
        "--check",
        metavar="DIR",
        help="then animate a built-in picture; write it, the hashes and the times into this folder, to send back",
    )
    parser.add_argument("--device", default="cpu", help="for --check: cpu, cuda or mps (default: cpu)")
    options.add_thread_option(parser)
    options.add_report_options(parser)
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace weights of this name")
    places.declare(parser, places.Input("files", places.file_or_folder), places.Output("check", folder=True))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from facewire.networks.published.files import bring_in

    done = bring_in(
        given.family,
        [Path(file) for file in given.files],
        given.output,
        side=given.side,
        overwrite=given.overwrite,
    )
    for line in done.left_out:
        options.note(f"left out: {line}")
    licence = done.manifest.provenance.licence
    report = ImportReport(
        given.output, str(done.path), done.family, licence, done.manifest.sha256, done.sources, done.left_out
    )
    options.show(report, given.json, lambda: _lines(report))
    if given.check is not None:
        _check(given, report)
    return 0


def _lines(report: ImportReport) -> list[str]:
    return [
        f"{report.path}: {report.family}, {len(report.sources)} file(s), SHA-256 {report.sha256[:16]}",
        f"licence: {report.licence}",
        f"use it with --weights {report.name}",
    ]


def _check(given: argparse.Namespace, report: ImportReport) -> None:
    """Animate the built-in picture and write what came out."""
    import numpy as np
    import torch

    from facewire import __version__
    from facewire.animation.animator import Animator
    from facewire.base.errors import NotInstalled
    from facewire.base.files import write_json
    from facewire.engines.pace import frame_seconds, said
    from facewire.geometry.pose import rotation_from_degrees
    from facewire.media.image import save_image

    try:
        from skimage.data import astronaut
    except ImportError as problem:
        raise NotInstalled("scikit-image", "demo") from problem
    animator = Animator.load(given.output, given.device)
    person = animator.person(np.ascontiguousarray(astronaut()))
    own = person.identity.motion
    turned = own.turned_at_neck(rotation_from_degrees(15.0, 0.0, 0.0).to(own.rotation))
    pictures = [person.picture, *animator.render_batch(person, own), *animator.render_batch(person, turned)]
    seconds = frame_seconds(animator.model)
    folder = Path(given.check)
    folder.mkdir(parents=True, exist_ok=True)
    save_image(folder / "check.png", np.hstack(pictures), overwrite=given.overwrite)
    numbers = {
        "facewire": __version__,
        "torch": torch.__version__,
        "device": given.device,
        "seconds_per_frame": seconds,
        "rotation": own.rotation[0].tolist(),
        "translation": own.translation[0].tolist(),
        "expression": own.expression[0].tolist(),
        "canonical": person.identity.canonical.points[0].tolist(),
    }
    write_json(folder / "check.json", {**asdict(report), **numbers, "path": ""}, overwrite=given.overwrite)
    options.note(
        f"{folder}/check.png shows source, rebuilt and turned; {said(seconds)}. Both files may be sent to the "
        "project; nothing leaves this machine by itself"
    )
