"""Record what MediaPipe itself says about the astronaut, for the parity tests beside this file.

Run in an environment of its own, because MediaPipe wants an older NumPy:

    pip install mediapipe==0.10.21 scikit-image
    python tests/face/record_reference.py tests/face/fixtures/mediapipe_astronaut.npz

All coordinates are pixels of the 512 x 512 picture `skimage.data.astronaut()`; z is in the same unit.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mediapipe as mp
import numpy as np
import skimage.data
from mediapipe.framework.formats import rect_pb2
from mediapipe.python import packet_creator, packet_getter
from mediapipe.python._framework_bindings import resource_util

SIDE = 512
CUT = (129, 29)
"""Left and top of the 192 x 192 pixels that the networks see without any resampling."""

SQUARE = (225.0, 125.0, 160.0, 0.25)
"""Centre, side and angle (radians, clockwise) of a rotated square."""

GRAPH = """
input_stream: "image" input_stream: "roi" input_side_packet: "attention" output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image" input_stream: "ROI:roi" input_side_packet: "WITH_ATTENTION:attention"
  output_stream: "LANDMARKS:landmarks"
}
"""


def main() -> None:
    """Write the reference file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("output", type=Path, help="the .npz file to write")
    output = parser.parse_args().output
    resource_util.set_resource_dir(str(Path(mp.__file__).parents[1]))
    pictures: Any = skimage.data
    photo = pictures.astronaut()
    left, top = CUT
    cut = np.ascontiguousarray(photo[top : top + 192, left : left + 192])
    whole = (0.5, 0.5, 1.0, 0.0)
    x, y, side, angle = SQUARE
    square = (x / SIDE, y / SIDE, side / SIDE, angle)
    detections = detect(photo)
    np.savez_compressed(
        output,
        box=detections[0],
        keypoints=detections[1],
        score=detections[2],
        cut_mesh=landmarks_in(cut, whole, False) + np.array((left, top, 0)),
        cut_attention=landmarks_in(cut, whole, True) + np.array((left, top, 0)),
        square_attention=landmarks_in(photo, square, True),
        found=solution(photo, static=True),
        tracked=solution(photo, static=False),
    )


def landmarks_in(photo: Any, square: tuple[float, float, float, float], attention: bool) -> Any:
    """Run MediaPipe's landmark graph on one square (centre x, y, side, all relative, and angle)."""
    graph = mp.CalculatorGraph(graph_config=GRAPH)
    results: list[Any] = []
    graph.observe_output_stream(
        "landmarks", lambda _, packet: results.append(packet_getter.get_proto(packet))
    )
    graph.start_run({"attention": packet_creator.create_bool(attention)})
    image = mp.ImageFrame(image_format=mp.ImageFormat.SRGB, data=photo)
    x, y, side, angle = square
    rect = rect_pb2.NormalizedRect(x_center=x, y_center=y, width=side, height=side, rotation=angle)
    graph.add_packet_to_input_stream("image", packet_creator.create_image_frame(image).at(0))
    graph.add_packet_to_input_stream("roi", packet_creator.create_proto(rect).at(0))
    graph.close_all_packet_sources()
    graph.wait_until_done()
    return in_pixels(results[0], photo.shape[0])


def solution(photo: Any, static: bool) -> Any:
    """Run the whole face mesh solution; as video, the answer for the second of two equal frames."""
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=static, refine_landmarks=True) as mesh:
        results = [mesh.process(photo) for _ in range(2)]
    return in_pixels(results[-1].multi_face_landmarks[0], photo.shape[0])


def detect(photo: Any) -> tuple[Any, Any, float]:
    """Run the short-range detector: box, key points and score."""
    with mp.solutions.face_detection.FaceDetection(model_selection=0) as detector:
        found = detector.process(photo).detections[0]
    place = found.location_data.relative_bounding_box
    box = np.array((place.xmin, place.ymin, place.xmin + place.width, place.ymin + place.height))
    points = np.array([(point.x, point.y) for point in found.location_data.relative_keypoints])
    return box * SIDE, points * SIDE, found.score[0]


def in_pixels(landmarks: Any, side: int) -> Any:
    """Turn a normalised landmark list of a square picture into [N, 3] float32 pixels."""
    return np.array([(p.x, p.y, p.z) for p in landmarks.landmark], np.float32) * side


if __name__ == "__main__":
    main()
