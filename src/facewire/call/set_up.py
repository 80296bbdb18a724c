"""How long a call takes to come up, and where the time goes.

    join --check--room--(alone)--descriptions--ways--secured--photos--> live --face--> first face shown

The clock starts when the user joins, and again when a lost connection is built anew; it stands still while nobody
else is in the room.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUpTimes:
    """Milliseconds that each phase took, in the order in which they follow each other.

    check         the chosen photo against the camera
    room          a place from the signalling server
    descriptions  ways to this machine gathered, session descriptions exchanged
    ways          ICE: a way between the two found
    secured       DTLS and the data channels over it
    photos        greetings, both photos sent, prepared and confirmed: the call is live
    face          first face of the other side handed to the page
    """

    check: float = 0.0
    room: float = 0.0
    descriptions: float = 0.0
    ways: float = 0.0
    secured: float = 0.0
    photos: float = 0.0
    face: float = 0.0

    @property
    def live(self) -> float:
        """Until the call was live, ms."""
        return self.whole - self.face

    @property
    def whole(self) -> float:
        """Until the first face, ms."""
        return float(sum(asdict(self).values()))

    def __str__(self) -> str:
        phases = ", ".join(f"{name} {value:.0f}" for name, value in asdict(self).items())
        return (
            f"connected in {self.live / 1000:.2f} s, first face after {self.whole / 1000:.2f} s ({phases} ms)"
        )


PHASES = tuple(asdict(SetUpTimes()))
LIVE, FACE = PHASES[-2:]


class SetUp:
    """Measures one set-up after the other; time is handed in, in seconds."""

    def __init__(self) -> None:
        self.times: SetUpTimes | None = None
        """Of the last set-up that was finished."""
        self._last: float | None = None
        """When the phase before was over; None while nothing is measured."""
        self._spent: dict[str, float] = {}

    def begin(self, now: float) -> None:
        """Start the clock."""
        self._last, self._spent = now, {}

    def go_on(self, now: float) -> None:
        """Let the time since the last phase not count: nobody was there."""
        if self._last is not None:
            self._last = now

    def reached(self, phase: str, now: float) -> bool:
        """Note that a phase is over, once; say whether this was the end of the set-up.

        Phases that were passed over count as nothing; a face before the call is live is one of the connection before.
        """
        if self._last is None or phase in self._spent or (phase == FACE and LIVE not in self._spent):
            return False
        self._spent[phase] = round(1000 * (now - self._last), 1)
        self._last = now
        if phase != FACE:
            return False
        self.times = SetUpTimes(**self._spent)
        self._last = None
        return True
