"""The paper's own numbers, to stand beside ours.

Source: Wang, Mallya, Liu, One-shot free-view neural talking-head synthesis for video conferencing (CVPR 2021):
Table 1 (reconstruction), 2 and 4 (transfer), 3 (frontalisation), 5 (ablation), appendix B.6 (canonical keypoints).
"""

from __future__ import annotations

from dataclasses import dataclass

Cell = float | None


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table as printed.

    title    which
    columns  headings of the numbers
    ours     our metric for each column; empty where we have none of that kind
    rows     (data set, method, numbers)
    apart    what is and is not comparable
    """

    title: str
    columns: tuple[str, ...]
    ours: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    apart: str


VOX, TALKING = "VoxCeleb2", "TalkingHead-1KH"
PAPER = "face-vid2vid (paper)"

RECONSTRUCTION = PublishedTable(
    "Table 1: reconstruction, first frame as source",
    ("L1", "PSNR", "SSIM", "MS-SSIM", "FID", "AKD"),
    ("l1", "psnr", "ssim", "ms-ssim", "fid", "akd"),
    (
        (VOX, "fs-vid2vid", (17.10, 20.36, 0.71, None, 85.76, 3.41)),
        (VOX, "FOMM", (12.66, 23.25, 0.77, 0.83, 73.71, 2.14)),
        (VOX, "Bi-layer", (23.95, 16.98, 0.66, 0.66, 203.36, 5.38)),
        (VOX, PAPER, (10.74, 24.37, 0.80, 0.85, 69.13, 2.07)),
        (TALKING, "fs-vid2vid", (15.18, 20.94, 0.75, None, 63.47, 11.07)),
        (TALKING, "FOMM", (12.30, 23.67, 0.79, 0.83, 55.35, 3.76)),
        (TALKING, "FOMM-L", (12.81, 23.13, 0.78, None, 60.58, 4.04)),
        (TALKING, PAPER, (10.67, 24.20, 0.81, 0.84, 52.08, 3.74)),
    ),
    "Same protocol and definitions, other clips: how hard a set is decides these numbers as much as the"
    " model does, so L1, PSNR, SSIM and MS-SSIM show the order of magnitude and no ranking. The fair "
    "yardstick on this page is the static baseline of the same clips. AKD uses this project's face mesh"
    " and not the paper's detector. FID depends on the number of frames and is comparable with nothing "
    "here. A method trained on far more data than ours is expected to be better.",
)

_TRANSFER_COLUMNS = ("absolute FID", "absolute CSIM", "relative FID", "relative CSIM")
TRANSFER = PublishedTable(
    "Tables 2 and 4: motion transfer to another person",
    _TRANSFER_COLUMNS,
    ("absolute-fid", "absolute-csim", "relative-fid", "relative-csim"),
    (
        (VOX, "fs-vid2vid", (59.84, 0.593, 48.48, 0.928)),
        (VOX, "FOMM", (84.06, 0.582, 48.91, 0.954)),
        (VOX, PAPER, (55.64, 0.753, 46.43, 0.960)),
        (TALKING, "fs-vid2vid", (52.72, 0.703, 44.83, 0.955)),
        (TALKING, "FOMM", (87.32, 0.542, 42.26, 0.961)),
        (TALKING, PAPER, (46.99, 0.777, 41.25, 0.964)),
    ),
    "Not comparable in value: the paper's CSIM comes from another face network (whose strangers score "
    "far lower than the 0.8 of dlib's), its people and pairs are others, and FID needs its own network "
    "and number of frames. What can be compared is the direction: relative motion should keep the "
    "person better than absolute motion.",
)

FRONTALISATION = PublishedTable(
    "Table 3: frontalisation, per cent of pictures",
    ("identity kept", "angle within 15°", "both", "FID"),
    ("frontal-identity", "frontal-angle", "frontal-both", ""),
    (
        ("", "pSp", (57.3, 99.8, 57.3, 118.08)),
        ("", "Rotate-and-Render", (55.1, 87.2, 50.8, 78.81)),
        ("", PAPER, (94.3, 90.9, 85.9, 23.87)),
    ),
    "The paper keeps the identity where the loss of its own face network stays within 0.05; here it is "
    "kept where dlib calls both pictures the same person (distance below 0.6). Angles come from this "
    "project's face mesh. The percentages answer the same questions on other pictures with other "
    "networks.",
)

ABLATION = PublishedTable(
    "Table 5: ablation on TalkingHead-1KH",
    ("L1", "PSNR", "SSIM", "MS-SSIM", "FID", "AKD"),
    ("l1", "psnr", "ssim", "ms-ssim", "fid", "akd"),
    (
        (TALKING, "direct prediction of keypoints", (10.84, 24.00, 0.80, 0.83, 58.55, 4.26)),
        (TALKING, "2-D warp", (11.64, 23.38, 0.79, 0.82, 58.75, 4.20)),
        (TALKING, "10 keypoints", (11.49, 23.36, 0.79, 0.82, 56.27, 4.31)),
        (TALKING, "15 keypoints", (11.35, 23.53, 0.79, 0.82, 54.36, 4.50)),
        (TALKING, "20 keypoints (full)", (10.67, 24.20, 0.81, 0.84, 52.08, 3.74)),
    ),
    "The paper's variants were trained to the end on 180 000 clips. Ours are what their manifests say; "
    "only the order of our rows among themselves means something, and only if they were trained alike.",
)

CANONICAL = PublishedTable(
    "Appendix B.6: recognising people by canonical keypoints",
    ("accuracy", "landmarks instead", "chance"),
    ("canonical-accuracy", "landmark-accuracy", "chance"),
    (("VoxCeleb2", PAPER, (0.070, 0.013, 0.0026)),),
    "Accuracy falls with the number of people to choose from: look at it as a multiple of chance. The "
    "paper's landmarks are dlib's, ours the face mesh's.",
)
