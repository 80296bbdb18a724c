#!/usr/bin/env python3
"""Convert MediaPipe's face models into the safetensors files in `src/facewire/face/weights/`.

Run once, by a maintainer; the results are part of the repository. It needs one package that Facewire
itself does not, `pip install tflite`, and two published packages as files:

    pip download --no-deps --python-version 3.11 --only-binary :all: mediapipe==0.10.21
    npm pack @mediapipe/face_mesh@0.4.1657299874

The wheel holds the networks. Every float16 tensor is copied bit for bit; only the axis order changes, from
(out, height, width, in) to torch's (out, in, height, width). The npm package holds the canonical face
(the wheel does not): 468 points in centimetres and their weights in a rigid fit. Its y and z axes are
turned round so that they point down and away from the camera.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

Half = NDArray[np.float16]
Names = Iterator[tuple[str, str]]
"""Pairs (name of our tensor, name of theirs)."""

MODULES = "mediapipe/modules"


def main() -> None:
    """Read the wheel, write one safetensors file per model and the manifest with their hashes."""
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    files = {}
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for name, (member, names) in MODELS.items():
            source = wheel.read(f"{MODULES}/{member}")
            data = convert(source, names())
            (arguments.output / name).write_bytes(data)
            files[name] = describe(data, source, member, arguments.wheel)
            print(f"{name}: {len(data)} bytes from {member}")
    source = read_packed_asset(arguments.npm_package, GEOMETRY)
    data = convert_geometry(source)
    (arguments.output / CANONICAL_FILE).write_bytes(data)
    files[CANONICAL_FILE] = describe(data, source, GEOMETRY, arguments.npm_package)
    print(f"{CANONICAL_FILE}: {len(data)} bytes from {GEOMETRY}")
    manifest = {"schema": 1, "licence": "Apache-2.0", "files": files}
    (arguments.output / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0],
        epilog="Needs the package tflite (pip install tflite).",
    )
    parser.add_argument(
        "wheel",
        type=Path,
        help="mediapipe-0.10.21-cp311-...whl, from: pip download --no-deps --python-version 3.11 "
        "--only-binary :all: mediapipe==0.10.21",
    )
    parser.add_argument(
        "npm_package",
        type=Path,
        help="mediapipe-face_mesh-0.4.1657299874.tgz, from: npm pack @mediapipe/face_mesh@0.4.1657299874",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).resolve().parents[1] / "src/facewire/face/weights",
        help="folder for the .safetensors files and manifest.json (default: %(default)s)",
    )
    return parser.parse_args()


def describe(data: bytes, source: bytes, member: str, package: Path) -> dict[str, str | int]:
    """Build one entry of the manifest."""
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "package": package.name,
        "source": member,
        "source_sha256": hashlib.sha256(source).hexdigest(),
    }


def convert(source: bytes, names: Names) -> bytes:
    """Turn one .tflite file into the bytes of a safetensors file, using every weight exactly once."""
    theirs = read_half_tensors(source)
    ours = {our: to_torch_axes(theirs.pop(their), their) for our, their in names}
    if theirs:
        raise SystemExit(f"weights without a place in our network: {sorted(theirs)}")
    return save(ours)


def read_half_tensors(source: bytes) -> dict[str, Half]:
    """Read all float16 constants of a .tflite file, by the last two parts of their names."""
    import tflite  # only here, so that --help works without it

    model = tflite.Model.GetRootAsModel(source, 0)
    graph = model.Subgraphs(0)
    tensors = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() == tflite.TensorType.FLOAT16 and buffer.DataLength():
            name = "/".join(tensor.Name().decode().split("/")[-2:])
            if name.startswith("multiply_by_constant"):  # fixed factors, part of our network's code
                continue
            values = np.frombuffer(buffer.DataAsNumpy().tobytes(), np.float16)
            tensors[name] = values.reshape(tensor.ShapeAsNumpy())
    return tensors


def to_torch_axes(values: Half, name: str) -> Half:
    """Reorder one tensor: depthwise (1, H, W, C), convolution (O, H, W, I), PReLU (1, 1, C), bias (C).

    A transposed convolution (`segment`) is (O, H, W, I) here and (in, out, height, width) in torch.
    """
    if values.ndim == 4:
        inputs_first = name.startswith(("depthwise", "segment"))
        order = (3, 0, 1, 2) if inputs_first else (0, 3, 1, 2)
        return np.ascontiguousarray(values.transpose(order))
    return np.ascontiguousarray(values.reshape(-1))


def convolution(our: str, their: str) -> Names:
    """Name the kernel and the bias of one convolution."""
    yield f"{our}.weight", f"{their}/Kernel"
    yield f"{our}.bias", f"{their}/Bias"


class Counter:
    """Hands out their layer names, which are numbered in the order in which the layers were made."""

    def __init__(self, depthwise: int, conv: int | None = None, prelu: int | None = None) -> None:
        self.depthwise = depthwise
        self.conv = depthwise if conv is None else conv
        self.prelu = self.conv if prelu is None else prelu

    def conv_prelu(self, our: str) -> Names:
        """A convolution followed by a PReLU."""
        yield from convolution(f"{our}.convolution", numbered("conv2d", self.conv))
        yield f"{our}.activation.weight", f"{numbered('p_re_lu', self.prelu)}/Alpha"
        self.conv, self.prelu = self.conv + 1, self.prelu + 1

    def block(self, our: str, prelu: bool = True) -> Names:
        """A depthwise and a pointwise convolution, then a PReLU or a ReLU without weights."""
        yield from convolution(f"{our}.depthwise", numbered("depthwise_conv2d", self.depthwise))
        yield from convolution(f"{our}.pointwise", numbered("conv2d", self.conv))
        if prelu:
            yield f"{our}.activation.weight", f"{numbered('p_re_lu', self.prelu)}/Alpha"
        self.depthwise, self.conv, self.prelu = self.depthwise + 1, self.conv + 1, self.prelu + 1


def numbered(kind: str, index: int) -> str:
    """Their name of layer number `index` of a kind; number 0 has no suffix."""
    return f"{kind}_{index}" if index else kind


def mesh_names() -> Names:
    """face_landmark.tflite: numbering starts at 1; 21 to 27 were a branch that is not in the file."""
    counter = Counter(depthwise=1, conv=1)
    yield from counter.conv_prelu("trunk.0")
    for index in range(1, 15):
        yield from counter.block(f"trunk.{index}")
    for index in range(3):
        yield from counter.block(f"landmark_branch.{index}")
    yield from counter.conv_prelu("landmark_branch.3")
    yield from counter.block("landmark_branch.4")
    yield from convolution("landmark_head", "conv2d_21")
    counter = Counter(depthwise=23, conv=28, prelu=26)
    yield from counter.block("presence_branch.0")
    yield from counter.conv_prelu("presence_branch.1")
    yield from counter.block("presence_branch.2")
    yield from convolution("presence_head", "conv2d_31")


def attention_names() -> Names:
    """face_landmark_with_attention.tflite: numbering starts at 0 and runs through all parts."""
    counter = Counter(depthwise=0)
    yield from counter.conv_prelu("trunk.0")
    for index in range(1, 15):
        yield from counter.block(f"trunk.{index}")
    for index in range(3):
        yield from counter.block(f"landmark_branch.{index}")
    yield from counter.conv_prelu("landmark_branch.3")
    yield from counter.block("landmark_branch.4")
    yield from convolution("landmark_head", "output_mesh")
    yield from convolution("presence_head", "conv_faceflag")
    for region, tails in REGIONS.items():
        for index in range(6):
            yield from counter.block(f"{region}.stem.{index}")
        for tail, head in tails.items():
            for index in range(5):
                yield from counter.block(f"{region}.{tail}.blocks.{index}")
            yield from counter.conv_prelu(f"{region}.{tail}.blocks.5")
            yield from counter.block(f"{region}.{tail}.blocks.6")
            yield from convolution(f"{region}.{tail}.head", head)


REGIONS = {
    "lips": {"lips": "conv_lips"},
    "left_eye": {"lids": "conv_left_eye", "iris": "conv_left_iris"},
    "right_eye": {"lids": "conv_right_eye", "iris": "conv_right_iris"},
}
"""Parts of the attention mesh: our region -> our branch -> their output layer."""


def blaze_names() -> Names:
    """face_detection_short_range.tflite: ReLU instead of PReLU, numbering starts at 0."""
    yield from convolution("stem", "conv2d")
    counter = Counter(depthwise=0, conv=1)
    for index in range(11):
        yield from counter.block(f"fine.{index}", prelu=False)
    for index in range(5):
        yield from counter.block(f"coarse.{index}", prelu=False)
    yield from convolution("fine_scores", "classificator_8")
    yield from convolution("coarse_scores", "classificator_16")
    yield from convolution("fine_boxes", "regressor_8")
    yield from convolution("coarse_boxes", "regressor_16")


def matte_names() -> Names:
    """selfie_segmentation.tflite: convolutions and depthwise convolutions are numbered from 0, in order of use."""
    plain, depthwise = count(), count()

    def next_plain(*ours: str) -> Names:
        for our in ours:
            yield from convolution(our, numbered("conv2d", next(plain)))

    def next_depthwise(our: str) -> Names:
        yield from convolution(our, numbered("depthwise_conv2d", next(depthwise)))

    yield from next_plain("stem")
    blocks = ("to64", *(f"to32.{index}" for index in range(2)), *(f"to16.{index}" for index in range(5)))
    for block in blocks:
        yield from next_plain(f"{block}.widen")
        yield from next_depthwise(f"{block}.depthwise")
        if not block.startswith("to32"):
            yield from next_plain(f"{block}.weighing.down", f"{block}.weighing.up")
        yield from next_plain(f"{block}.narrow")
    yield from next_plain("head", "head_weight")
    for index in range(3):
        join = f"joins.{index}"
        yield from next_plain(f"{join}.reduce", f"{join}.weighing.down", f"{join}.weighing.up", f"{join}.mix")
        yield from next_depthwise(f"{join}.depthwise")
    yield from convolution("segment", "segment")


MODELS = {
    "blaze_face.safetensors": ("face_detection/face_detection_short_range.tflite", blaze_names),
    "face_mesh.safetensors": ("face_landmark/face_landmark.tflite", mesh_names),
    "attention_mesh.safetensors": ("face_landmark/face_landmark_with_attention.tflite", attention_names),
    "person_matte.safetensors": ("selfie_segmentation/selfie_segmentation.tflite", matte_names),
}
"""Our file name -> (file in the wheel below `mediapipe/modules`, its table of names)."""

GEOMETRY = "face_geometry/data/geometry_pipeline_metadata_landmarks.binarypb"
"""The canonical face inside the npm package's packed assets."""

CANONICAL_FILE = "canonical_face.safetensors"

CANONICAL_POINTS = 468


def read_packed_asset(package: Path, member: str) -> bytes:
    """Cut one file out of the npm package's concatenated assets, whose index is in a script beside them."""
    with tarfile.open(package) as archive:
        index = read_member(archive, "package/face_mesh_solution_packed_assets_loader.js").decode()
        assets = read_member(archive, "package/face_mesh_solution_packed_assets.data")
    place = re.search(re.escape(member) + r'", "start": (\d+), "end": (\d+)', index)
    if place is None:
        raise SystemExit(f"{package} does not hold {member}")
    return assets[int(place[1]) : int(place[2])]


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """Read one file of an archive."""
    stream = archive.extractfile(name)
    if stream is None:
        raise SystemExit(f"{name} is not a file")
    return stream.read()


def convert_geometry(source: bytes) -> bytes:
    """Turn the protobuf message GeometryPipelineMetadata into the bytes of a safetensors file."""
    metadata = list(protobuf_fields(source))
    mesh = b"".join(value for number, value in metadata if number == 1 and isinstance(value, bytes))
    basis = [value for number, value in metadata if number == 2 and isinstance(value, bytes)]
    vertices = np.concatenate([floats(value) for number, value in protobuf_fields(mesh) if number == 3])
    places = vertices.reshape(CANONICAL_POINTS, 5)[:, :3]  # the other two are texture coordinates
    points = places * np.array([1, -1, -1], np.float32)
    weights = np.zeros(CANONICAL_POINTS, np.float32)
    for entry in basis:
        fields = dict(protobuf_fields(entry))
        weights[int(fields.get(1, 0))] = floats(fields[2])[0]
    return save({"points": np.ascontiguousarray(points), "weights": weights})


def floats(value: int | bytes) -> NDArray[np.float32]:
    """Read the bytes of one or several packed floats."""
    if isinstance(value, int):
        raise SystemExit("the geometry file has another layout than expected")
    return np.frombuffer(value, "<f4")


def protobuf_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Split a protobuf message into (field number, value): int for varints, bytes for everything else."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = varint(message, at)
        else:
            length = {1: 8, 5: 4}[kind]
        yield number, message[at : at + length]
        at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Read one variable-length integer; return it and the position after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


if __name__ == "__main__":
    main()
