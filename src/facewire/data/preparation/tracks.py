"""Following every face of a shot.

    each frame: the faces of the frame before are looked for where they were
    every second, and at the beginning of a shot: all faces are looked for, new ones begin a track

A face that is lost for a moment is taken up again; the frames between carry the nearest labels and say so. A face
that jumps is another one: its track ends, and the next search begins a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from facewire.data.labelling import nearest_seen
from facewire.face.expression import SEVENTY_EIGHT
from facewire.face.finder import Face, FaceFinder
from facewire.face.pose import head_pose
from facewire.media.frame import Pixels

SEARCH_EVERY = 25
"""Frames between searches for new faces."""
SEARCH_AGAIN = 5
"""The same while there is none."""
MOST_LOST = 5
"""Frames after which a lost face's track ends."""
LEAST_OVERLAP = 0.3
"""Intersection over union with the frame before; below it the face has jumped."""
SAME_FACE = 0.5
"""Above it two tracks follow one face."""
MOST_TRACKS = 4
"""Faces followed at once, largest first."""

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Track:
    """One face over consecutive frames, in pixels of the video.

    first      number of its first frame
    landmarks  (78, 2) of every frame
    rotation   (3, 3) of every frame
    centre     (2,) of every frame, where the head's centre is seen
    box        left, top, right, bottom of every frame, all mesh points
    detected   whether the face was seen
    """

    first: int
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)
    rotation: list[NDArray[np.float32]] = field(default_factory=list)
    centre: list[NDArray[np.float32]] = field(default_factory=list)
    box: list[Box] = field(default_factory=list)
    detected: list[bool] = field(default_factory=list)
    last: Face | None = None
    lost: int = 0

    def __len__(self) -> int:
        return len(self.detected)

    def add(self, face: Face | None) -> None:
        """Append a frame; a lost face keeps its last place until `close`."""
        if face is None:
            self.landmarks.append(self.landmarks[-1])
            self.rotation.append(self.rotation[-1])
            self.centre.append(self.centre[-1])
            self.box.append(self.box[-1])
            self.detected.append(False)
            self.lost += 1
            return
        pose = head_pose(torch.from_numpy(face.landmarks))
        self.landmarks.append(face.landmarks[list(SEVENTY_EIGHT), :2].astype(np.float32))
        self.rotation.append(np.asarray(pose.rotation.numpy(), np.float32))
        self.centre.append(np.asarray(pose.translation[:2].numpy(), np.float32))
        self.box.append(face.box)
        self.detected.append(True)
        self.last, self.lost = face, 0

    def close(self) -> None:
        """Drop the lost frames at the end; the others take the labels of the nearest frame that shows the face."""
        end = len(self) - self.lost
        for values in (self.landmarks, self.rotation, self.centre, self.box, self.detected):
            del values[end:]
        nearest = np.flatnonzero(self.detected)[nearest_seen(np.flatnonzero(self.detected), end)]
        for name in ("landmarks", "rotation", "centre", "box"):
            values = getattr(self, name)
            setattr(self, name, [values[index] for index in nearest])
        self.last = None


class FaceTracker:
    """Follows the faces of one shot after the other."""

    def __init__(self, finder: FaceFinder, least_height: float, meant: Box | None = None) -> None:
        """Follow faces of at least `least_height` pixels; with `meant` only the one that overlaps this box most."""
        self._finder, self._least_height, self._meant = finder, least_height, meant
        self._live: list[Track] = []
        self._next_search = 0
        self.largest_refused = 0.0
        """Height of the largest face of this shot that was too small, 0 where there was none."""

    @property
    def following(self) -> bool:
        """Whether there is a face now."""
        return bool(self._live)

    def see(self, pixels: Pixels, number: int) -> list[Track]:
        """Take the next frame; return the tracks that ended before it."""
        ended = []
        for track in self._live:
            assert track.last is not None
            face = self._finder.track(pixels, track.last)
            if face is not None and overlap(face.box, track.box[-1]) < LEAST_OVERLAP:
                track.add(None)
                track.lost = MOST_LOST + 1
            else:
                track.add(face)
            if track.lost > MOST_LOST or self._is_double(track):
                ended.append(track)
        self._live = [track for track in self._live if not any(track is other for other in ended)]
        if number >= self._next_search:
            self._search(pixels, number)
        return self._closed(ended)

    def finish(self) -> list[Track]:
        """End the shot; return the tracks that went to its end."""
        ended, self._live = self._live, []
        self._next_search, self.largest_refused = 0, 0.0
        return self._closed(ended)

    def _search(self, pixels: Pixels, number: int) -> None:
        faces = self._finder.find(pixels)
        if self._meant is not None:
            meant = self._meant
            faces = sorted(faces, key=lambda face: -overlap(face.box, meant))[:1]
            faces = [face for face in faces if overlap(face.box, meant) > 0]
        for face in faces[:MOST_TRACKS]:
            height = face.box[3] - face.box[1]
            if height < self._least_height:
                self.largest_refused = max(self.largest_refused, height)
            elif len(self._live) < MOST_TRACKS and not self._followed(face.box):
                track = Track(number)
                track.add(face)
                self._live.append(track)
        self._next_search = number + (SEARCH_EVERY if self._live else SEARCH_AGAIN)

    def _followed(self, box: Box) -> bool:
        return any(overlap(box, track.box[-1]) > LEAST_OVERLAP for track in self._live)

    def _is_double(self, track: Track) -> bool:
        """Say whether an older track follows the same face."""
        older = self._live[: next(n for n, other in enumerate(self._live) if other is track)]
        return any(len(other) and overlap(other.box[-1], track.box[-1]) > SAME_FACE for other in older)

    def _closed(self, tracks: list[Track]) -> list[Track]:
        for track in tracks:
            track.close()
        return tracks


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)
