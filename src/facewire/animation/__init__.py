"""One photo animated: photo -> person, driving video -> motions, motions -> pictures -> video.

Goes in: photos, videos, recorded motion. Comes out: `Person`, `RecordedMotion`, pictures, a video file. Also what
follows a head from frame to frame and smooths what was read. May be imported by talks, evaluation, call,
benchmarks and cli.
"""
