"""How well speech survives losses: word error of a recogniser and STOI, with and without copies of sound.

    pip install pocketsphinx==5.1.1 pystoi==0.4.1       and ffmpeg with flite
    python benchmarks/speech_losses.py --json out.json

    sentences -> flite -> SoundSender --Link--> Loudspeaker -> pocketsphinx, STOI
                             ^ Controller <- LineReport <- LineMeter

Sixteen sentences, two synthetic voices, 162 words. Sound alone is sent, with the call's own sender, line meter,
choice of protection, playout clock and loudspeaker. Word error counts what is replaced, left out and put in.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder
from pystoi import stoi

from facewire.call.conversation.sound_sender import SoundSender
from facewire.call.line.controller import Controller
from facewire.call.line.line_meter import LineMeter
from facewire.call.line.steps import NONE, REPORT_SECONDS, RICH, STEPS, THIN
from facewire.call.playout.playout import RATE, Playout
from facewire.call.playout.sound import Loudspeaker
from facewire.media.sound.opus import AHEAD, Sound
from facewire.transport.link import Link, LinkSettings
from facewire.transport.overhead import rtp_bytes

SENTENCES = (
    "please call me back when you are at home",
    "the train to the city was late this morning",
    "my mother said that the weather will be better on sunday",
    "we need more water and some bread for the children",
    "i cannot see you but i can hear what you say",
    "the doctor told him to stay in bed for three days",
    "how much did you pay for the new house",
    "there are two schools and a church in our village",
    "he will send the money at the end of the month",
    "they have been waiting for an answer since last year",
    "can you tell your brother that i will be there at five",
    "the road to the hospital is closed because of the snow",
    "she wants to know what time the meeting begins",
    "nobody knew where the old man had come from",
    "we lost the connection twice but now it is good",
    "thank you very much for your help with the letter",
)
VOICES = ("slt", "rms")
LOUDNESS, SILENCE = 2500, 14_400
"""Root mean square of a sentence; samples before and after each."""
ROUND, AROUND = 960, 9_600
"""Samples that are played at once; samples around a sentence that the recogniser hears."""
LOSSY = LinkSettings(loss=0.2, delay_ms=40)
SEEDS = (0, 1)


@dataclass(frozen=True, slots=True)
class Case:
    """One line, one step, copies or not."""

    link: LinkSettings
    place: int = RICH
    copies: bool = True


CASES = {
    "perfect, rich": Case(LinkSettings(delay_ms=40)),
    "perfect, thin": Case(LinkSettings(delay_ms=40), THIN),
    **{
        f"20 % lost, {name}, {what}": Case(replace(LOSSY, **burst), place, what.endswith(", copies"))
        for name, burst in (
            ("bursts of up to 5", {"burst": 5, "longest_burst": 5}),
            ("mean burst 2.5", {"burst": 2.5}),
            ("mean burst 5", {"burst": 5}),
        )
        for what, place in (("rich", RICH), ("rich, copies", RICH), ("thin", THIN), ("thin, copies", THIN))
    },
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="cases whose names hold this text")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    speech, places = spoken()
    listener = Decoder(samprate=RATE / 3, loglevel="FATAL")
    report = {}
    for name, case in CASES.items():
        if given.only in name:
            seeds = SEEDS if case.link.loss else SEEDS[:1]
            rows = [measured(speech, places, case, seed, listener) for seed in seeds]
            report[name] = {key: round(float(np.mean([row[key] for row in rows])), 3) for key in rows[0]}
            print(
                f"{name:42}" + "  ".join(f"{key} {value}" for key, value in report[name].items()), flush=True
            )
    if given.json is not None:
        given.json.write_text(json.dumps({"schema": 1, "cases": report}, indent=1) + "\n", encoding="utf-8")


def spoken() -> tuple[Sound, list[tuple[int, int]]]:
    """Return all sentences, and where each begins and ends."""
    pieces, places, at = [], [], 0
    for number, text in enumerate(SENTENCES):
        source = f"flite=text='{text}':voice={VOICES[number % 2]}"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-ar", str(RATE), "-f", "s16le", "-"]
        said = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.int16)
        said = said * (LOUDNESS / np.sqrt(np.mean(said.astype(float) ** 2)))
        pieces.append(np.pad(np.clip(said, -32_000, 32_000), SILENCE).astype(np.int16))
        places.append((at + SILENCE, at + SILENCE + len(said)))
        at += len(pieces[-1])
    return np.concatenate(pieces), places


def measured(
    speech: Sound, places: list[tuple[int, int]], case: Case, seed: int, listener: Any
) -> dict[str, float]:
    """Return what one way through a line does to the speech."""
    heard, positions, covered = transmitted(speech, case, seed)
    ends = np.arange(1, len(positions) + 1) * ROUND
    order = np.maximum.accumulate(positions)

    def at(media: int) -> int:
        return int(np.interp(media + AHEAD, order, ends))

    wrong = words = 0
    pairs: list[tuple[Sound, Sound]] = []
    for (begin, end), text in zip(places, SENTENCES, strict=True):
        said = recognised(listener, heard[at(begin - AROUND) : at(end + AROUND)])
        wrong, words = wrong + distance(text.split(), said.split()), words + len(text.split())
        pairs += [aligned(speech[n : n + RATE], heard, at(n)) for n in range(begin, end - RATE, RATE)]
    clean, played = (np.concatenate(one).astype(float) for one in zip(*pairs, strict=True))
    return {"word error": wrong / words, "STOI": float(stoi(clean, played, RATE)), "covered": covered}


def transmitted(speech: Sound, case: Case, seed: int) -> tuple[Sound, NDArray[np.float64], float]:
    """Return what is heard, the media time at the end of each round of it, and the share that was covered up."""
    step, link = STEPS[case.place], Link(case.link, seed)
    control, sender, meter = Controller(thin=case.place == THIN), SoundSender(), LineMeter()
    playout = Playout()
    speaker = Loudspeaker(playout)
    way: list[tuple[float, int, bytes, tuple[int, bytes] | None]] = []
    out, positions, sent, reported = [], [], 0, 0.0
    for number in range(round(len(speech) / ROUND) + 2 * RATE // ROUND):
        now = number * ROUND / RATE
        while sent + step.samples <= min(len(speech), number * ROUND):
            wanted = control.protection if case.copies else NONE
            packet = sender.encode(speech[sent : sent + step.samples], sent, step, copies=wanted.sound)
            copy = sender.copy(wanted.back) if wanted.sound else None
            arrival = link.send(now, rtp_bytes(len(packet)))
            if arrival is not None:
                way.append((arrival, sent, packet, copy))
            sent += step.samples
        while way and way[0][0] <= now + 1e-9:
            arrival, start, packet, copy = way.pop(0)
            meter.sound_came(start, step.samples, arrival)
            playout.sound_came(start, start + step.samples, arrival)
            speaker.put(start, packet, step.samples)
            if copy is not None:
                if not meter.came(copy[0]):
                    playout.copy_came(copy[0] + step.samples, arrival)
                speaker.put_copy(copy[0], copy[1], step.samples)
        if now - reported >= REPORT_SECONDS:
            reported = now
            control.hear(meter.report(now), 2 * case.link.delay_ms / 1000, now)
        out.append(speaker.read(ROUND, now))
        positions.append(speaker.position or 0.0)
    return np.concatenate(out), np.array(positions), speaker.concealed / (speaker.concealed + speaker.played)


def aligned(clean: Sound, heard: Sound, near: int) -> tuple[Sound, Sound]:
    """Return a second of speech, and that second of what was heard, near a place, which is most like it."""
    window = heard[max(0, near - 4_800) : near + RATE + 4_800].astype(float)
    spectrum = np.fft.rfft(window) * np.conj(np.fft.rfft(clean.astype(float), len(window)))
    likeness = np.fft.irfft(spectrum, len(window))[: len(window) - RATE + 1]
    power = np.concatenate(([0.0], np.cumsum(window**2)))
    best = int((likeness / (1 + np.sqrt(power[RATE:] - power[:-RATE]))).argmax())
    return clean, window[best : best + RATE].astype(np.int16)


def recognised(listener: Any, sound: Sound) -> str:
    """Return what the recogniser understands."""
    spectrum = np.fft.rfft(sound.astype(float))
    third = len(sound) // 3
    low = np.fft.irfft(spectrum[: third // 2 + 1], third) / 3  # 16 kHz is what it wants
    listener.start_utt()
    listener.process_raw(np.clip(low, -32_000, 32_000).astype(np.int16).tobytes(), full_utt=True)
    listener.end_utt()
    understood = listener.hyp()
    return understood.hypstr if understood else ""


def distance(first: list[str], second: list[str]) -> int:
    """Return how many words must be replaced, left out or put in."""
    row = list(range(len(second) + 1))
    for number, word in enumerate(first, 1):
        edges = zip(pairwise(row), second, strict=True)
        fresh = [number]
        for (corner, above), other in edges:
            fresh.append(min(above + 1, fresh[-1] + 1, corner + (word != other)))
        row = fresh
    return row[-1]


if __name__ == "__main__":
    main()
