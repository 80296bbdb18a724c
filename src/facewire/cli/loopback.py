"""facewire loopback: a whole call on one machine, through a link as bad as you like."""

from __future__ import annotations

import argparse
from typing import Any

from facewire.base.errors import CallError, ConfigError
from facewire.cli import options, places
from facewire.cli.arguments import number, whole
from facewire.transport.shapes import SHAPES

MOST_FRAMES = 1500
"""Of the clip that are kept in memory; it is played to and fro."""

NO_CUT = (-1.0, 0.0)
"""Start and length in seconds."""

EXAMPLES = """examples:
  facewire loopback talk.mp4
  facewire loopback talk.mp4 --loss 0.1 --burst 2 --delay 40 --jitter 8
  facewire loopback talk.mp4 --link edge
  facewire loopback talk.mp4 --thin --rate 16 --delay 300 --seconds 600 --pictures 0 --costs fixed
  facewire loopback talk.mp4 --cut 10:60 --seconds 90 --costs cpu
  facewire loopback talk.mp4 --seconds 1800 --pictures 0 --json      soak

The network is modelled and time is virtual; codec, sound, photo and networks are the real ones, and what they take
here is charged to the side that does it. The same --seed gives the same losses."""


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "loopback",
        help="hold a call with yourself through a bad link and report",
        description="Play a clip through a whole call between two agents and a seeded model of a network.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", metavar="CLIP", help="video of one talking person")
    parser.add_argument(
        "--seconds", type=number("seconds", 1, 86_400), default=20.0, help="of call (default: 20)"
    )
    parser.add_argument(
        "--loss", type=number("loss", 0, 0.9), default=0.0, help="share of packets lost, 0 to 0.9"
    )
    parser.add_argument(
        "--burst", type=number("burst", 1, 1000), default=1.0, help="mean packets lost in a row (default: 1)"
    )
    parser.add_argument(
        "--longest-burst",
        type=whole("longest-burst", 0, 1000),
        default=0,
        metavar="N",
        help="most packets lost in a row; 0: no limit (default: 0)",
    )
    parser.add_argument("--delay", type=number("delay", 0, 10_000), default=0.0, metavar="MS", help="one way")
    parser.add_argument(
        "--jitter",
        type=number("jitter", 0, 1000),
        default=0.0,
        metavar="MS",
        help="mean of what is added at random",
    )
    parser.add_argument(
        "--reorder", type=number("reorder", 0, 0.5), default=0.0, help="share of packets overtaken, 0 to 0.5"
    )
    parser.add_argument(
        "--rate", type=number("rate", 0, 1e6), default=0.0, metavar="KBIT", help="bottleneck, kbit/s"
    )
    parser.add_argument(
        "--cut", type=_cut, metavar="START:SECONDS", help="a time in which nothing gets through"
    )
    parser.add_argument(
        "--link",
        choices=tuple(SHAPES),
        help="a line as people have it, in place of the options above",
    )
    parser.add_argument(
        "--thin", action="store_true", help="thin mode from the start, whatever the line carries"
    )
    parser.add_argument("--seed", type=whole("seed", 0), default=0, help="of everything random (default: 0)")
    parser.add_argument(
        "--pictures",
        type=whole("pictures", 0),
        default=1,
        metavar="N",
        help="render every n-th picture; 0 none (default: 1)",
    )
    parser.add_argument(
        "--costs",
        choices=("wall", "cpu", "fixed"),
        default="wall",
        help="what networks cost: time taken, processor time (for busy machines), or a fixed 15 and 35 ms",
    )
    parser.add_argument(
        "--size",
        type=whole("size", 256, 1024),
        metavar="N",
        help="side of the faces, 256 to 1024; no larger than the clip has them (default: 256)",
    )
    parser.add_argument("--no-trailer", action="store_true", help="send the face on the data channel")
    options.add_model_options(parser)
    options.add_engine_option(parser)
    places.declare(parser, places.Input("clip", places.video), places.WEIGHTS)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the command."""
    from itertools import islice

    from facewire.call.loopback.loopback import Loopback, LoopbackSettings
    from facewire.call.loopback.report import LoopbackReport
    from facewire.call.person.engine import NetworkEngine
    from facewire.media.video import VideoReader, count_frames
    from facewire.talks.coding_tables import tables_of
    from facewire.transport.link import LinkSettings

    if given.thin and given.no_trailer:
        raise ConfigError("no-trailer", "with --thin", "one of them: thin mode sends faces behind the sound")
    start, length = NO_CUT if given.cut is None else given.cut
    link = LinkSettings(
        loss=given.loss,
        burst=given.burst,
        longest_burst=given.longest_burst,
        delay_ms=given.delay,
        jitter_ms=given.jitter,
        reorder=given.reorder,
        rate_kbit_per_s=given.rate,
        cut_start_s=start,
        cut_s=length,
    )
    settings = LoopbackSettings(
        seconds=given.seconds,
        link=link if given.link is None else SHAPES[given.link],
        seed=given.seed,
        trailer=not given.no_trailer,
        thin=given.thin,
        size=given.size,
        pictures=given.pictures,
        costs=given.costs,
    )
    if count_frames(given.clip, 2) < 2:
        raise CallError("the clip is too short for a call: use one of at least two frames")
    animator = options.animator_of(given)
    engine, choice = animator.open(given.engine)
    options.tell_engine(choice, given.quiet)
    with VideoReader(given.clip) as reader:
        frames = [frame.pixels for frame in islice(reader, MOST_FRAMES)]
    bars = options.Bars(given.quiet)
    networks = NetworkEngine.of(animator, engine)
    call = Loopback(networks, animator.finder, tables_of(animator), frames, settings)
    report: LoopbackReport = call.run(bars)
    bars.close()
    options.show(report, given.json, lambda: _lines(report))
    return 0


def _cut(text: str) -> tuple[float, float]:
    """Return start and length of a cut in seconds."""
    start, colon, length = text.partition(":")
    if not colon:
        raise ConfigError("cut", text, "START:SECONDS such as 10:60")
    seconds = number("cut", 0, 1e9, unit=" on both sides of the colon")
    return seconds(start), seconds(length)


def _lines(report: Any) -> list[str]:
    quality = "not compared" if report.psnr is None else f"{report.psnr:.2f} dB at {report.side} pixels"
    delay, skew = report.delay_ms, report.lip_skew_ms
    return [
        f"{report.seconds:.0f} s of call, {report.frames} frames, {100 * report.delivered:.1f} % shown, "
        f"{report.filled} filled in, {report.eased} at rest, {report.moved} moved instead of drawn",
        f"face {report.face_kbit_per_s:.2f} kbit/s, sound {report.sound_kbit_per_s:.2f}, "
        f"with all headers {report.ip_kbit_per_s:.2f}, with photos {report.line_kbit_per_s:.2f}",
        "sent as "
        + ", ".join(f"{name} {seconds} s" for name, seconds in report.steps.items())
        + f"; {report.step_changes} changes",
        f"delay {delay.median:.0f} ms median, {delay.p95:.0f} ms p95; lips and sound {skew.median:.0f} ms apart, "
        f"{skew.p95:.0f} ms p95",
        f"longest freeze {report.longest_freeze_ms:.0f} ms, {report.longest_without_news_ms:.0f} ms without news "
        f"({report.lost_in_a_row} packets lost in a row); sound covered up {100 * report.sound_concealed:.1f} %",
        f"PSNR against the clip {quality}",
        f"set up in {report.set_up_s:.2f} s, first face after {report.first_face_s or 0:.2f} s; "
        f"{report.reconnects} reconnects; "
        f"memory {report.memory_mb[0]:.0f} -> {report.memory_mb[1]:.0f} MB ({100 * report.memory_growth:+.1f} %), "
        f"median delay {report.delay_growth_ms:+.0f} ms from the first tenth to the last; ended {report.state[0]}",
    ]
