"""One connection between two agents, without network, clock or threads of its own.

    microphone, motions, ordinary pictures --> Conversation --> Outbox: media, reliable, loose
    media, reliable, loose messages        --> Conversation --> events, photos to prepare, sound and what to show

Time is handed in, in seconds; whatever comes from the other side gives a counted refusal or a MISFIT, never another
exception.
"""

from __future__ import annotations

import math
from collections import deque

from facewire.base.errors import BitstreamError, ProtocolError
from facewire.call.conversation.face_sender import MOST_FACE_BYTES, FaceSender
from facewire.call.conversation.loose_faces import FACE_MARK, LooseFaces
from facewire.call.conversation.meters import Meters
from facewire.call.conversation.outbox import Outbox
from facewire.call.conversation.party import Party
from facewire.call.conversation.photo_exchange import PhotoExchange
from facewire.call.conversation.sound_sender import SoundSender
from facewire.call.conversation.source_photo import IncomingPhoto, OwnSource, fitting
from facewire.call.conversation.states import Event
from facewire.call.conversation.steering import Steering
from facewire.call.line.controller import SHARE
from facewire.call.line.steps import FACE_SECONDS, RICH, STEPS
from facewire.call.messages.peer_messages import (
    PEER_MESSAGES,
    Bye,
    Hello,
    Keyframe,
    PeerMessage,
    Photo,
    PhotoHeld,
    Refresh,
)
from facewire.call.playout.face_receiver import FaceReceiver, Show
from facewire.call.playout.plain_video import VideoReceiver, VideoSender
from facewire.call.playout.playout import RATE, Playout
from facewire.call.playout.sound import Loudspeaker, Microphone
from facewire.codec.state import MotionFrame
from facewire.media.frame import Pixels
from facewire.media.sound.opus import PACKET_SAMPLES, Sound
from facewire.transport.bundle import BACK_SAMPLES, LONGEST_BACK, Bundle
from facewire.transport.face_message import SYNTHESIS, UNIT_MS, VIDEO
from facewire.transport.flood import Permits
from facewire.transport.line_report import LINE_MARK
from facewire.transport.opus_head import opus_samples
from facewire.transport.overhead import channel_bytes, rtp_bytes
from facewire.transport.pieces import digest
from facewire.transport.trailer import join, split
from facewire.transport.wrap import unwrap

TICK = PACKET_SAMPLES / RATE
"""Seconds between sound packets of the rich step; longer ones are multiples of half of it."""
AGE_TICKS = UNIT_MS * RATE // 1000
"""Samples in a unit of age."""
MOST_MOTIONS = 6
"""Face frames that wait for a sound packet, and messages of which a face may go again."""
SLACK = 0.35
"""Share of the time between two pictures of the camera by which one may come early and be sent all the same."""
FACE_HEAD, REPORT_ROOM, LEAST_ROOM = 2, 8, 64
"""Bytes in a trailer beside the packet of a face; beside a copy of sound; and left if a face goes again."""
SILENCE_SECONDS = 4.0
"""After so long without a packet the connection counts as broken."""
RELIABLE_RATE, RELIABLE_BURST = 100.0, 600.0
"""Reliable messages a second and at once: a photo comes in up to 263 pieces."""
MEDIA_RATE, MEDIA_BURST = 200.0, 400.0
"""Media and loose packets a second and at once."""
EARLIER_PACKETS = 64
"""Sound packets before the first one that came may still come."""
REFRESH_RATE, REFRESH_BURST = 0.2, 3.0
"""How often the other side may ask for a new source."""
REFRESH_SECONDS = 5.0
"""Between two requests for a new source."""
MOST_UNREFERENCED = 5
"""Face packets in a row without their source before a new one is asked for."""


class Conversation:
    """One connection.

    Args:
        party: this side.
        source: what this side is shown with.
        outbox: where to send.
        now: seconds; the sound clock begins here.
        held: the last photo of the other side, so that it need not travel again after a reconnect.
    """

    def __init__(
        self, party: Party, source: OwnSource, outbox: Outbox, now: float, held: IncomingPhoto | None = None
    ) -> None:
        self.party = party
        self.meters = Meters()
        self.microphone = Microphone()
        self.playout = Playout()
        self.loudspeaker = Loudspeaker(self.playout)
        self.faces = FaceReceiver(party.tables, self.playout)
        self.sender = FaceSender(party.tables)
        self.mode = SYNTHESIS
        """What this side sends: SYNTHESIS, VIDEO or PAUSED."""
        self.their_mode = SYNTHESIS
        self.their_avatar = False
        self.sent_side = party.size
        """Side of the own photo as the other side has it, pixels."""
        self.live = False
        """Sound and face are sent only while this is set."""
        self.relay_bytes = 0
        """What a TURN server on the way adds to each packet."""
        self.refused = 0
        """Packets and messages from the other side that were none."""
        self.problem = ""
        """Why a MISFIT happened."""
        self._exchange = PhotoExchange(self.sender, self.faces, held)
        self.photos = self._exchange.complete
        """Complete photos; take them, prepare them, then call `photo_prepared`."""
        self.line = Steering(thin=party.thin)
        """What the line carries, and the step that is sent with."""
        self._source, self._outbox = source, outbox
        self.begin = now
        """When this side's sound clock was 0."""
        self._position = 0
        """Media time up to which sound was sent, samples; `_step` says how the next packet is."""
        self._step = STEPS[RICH]
        self._sounds = SoundSender()
        self._motions: deque[tuple[MotionFrame, int]] = deque(maxlen=MOST_MOTIONS)
        self._captured = -RATE
        self._copies: deque[tuple[int, bytes]] = deque(maxlen=MOST_MOTIONS)
        """Capture time and packet of the first face of each of the last messages."""
        self._then: OwnSource | None = None
        """Its whole photo follows when the other side holds its preview."""
        self._video_out: VideoSender | None = None
        self._video_in = VideoReceiver()
        self._video_picture: Pixels | None = None
        self._events: deque[Event] = deque(maxlen=16)
        self._hello: Hello | None = None
        self._prepared = self._confirmed = self._greeted = self._previewed = False
        self._last_heard = self._now = now
        self._near: int | None = None
        self._origin: int | None = None
        self._loose = LooseFaces()
        self._asked_source = float("-inf")
        self._reliable = Permits(RELIABLE_RATE, RELIABLE_BURST)
        self._permits = Permits(MEDIA_RATE, MEDIA_BURST)
        self._refreshes = Permits(REFRESH_RATE, REFRESH_BURST)

    # What this side does.

    def greet(self) -> None:
        """Send the greeting, on a first connection with the preview; the photo follows when both have greeted."""
        self._announce(self.begin)
        self._say(self.party.hello(self.held.sha256 if self.held else b""))
        if self.party.trailer and self._source.preview and self.held is None:
            self._previewed = True
            self._offer_preview(self.begin)

    def hang_up(self, reason: str = "") -> None:
        """Tell the other side that it is over."""
        self._say(Bye(reason=reason[:200]))

    def new_source(self, source: OwnSource) -> None:
        """Use another source from the moment on at which the other side holds it."""
        self._source = source
        if self._hello is not None:
            self._offer(self._hello, self._hello.holds, self._now)

    def motion(self, motion: MotionFrame, captured: float) -> bool:
        """Hand in what the camera showed at a time, seconds; say whether it goes with the next sound packet."""
        capture = self.media_time(captured)
        if capture - self._captured < (self._step.face_every - SLACK) * FACE_SECONDS * RATE:
            return False
        self._captured = capture
        self._motions.append((motion, capture))
        return True

    def coded(self, picture: Pixels, captured: float) -> list[bytes]:
        """Return the messages of an ordinary picture (mode VIDEO). Slow: may run in another thread, one at a time."""
        if not self.live or self.mode != VIDEO:
            return []
        if self._video_out is None:
            self._video_out = VideoSender(picture.shape[0])
        return self._video_out.send(picture, self.media_time(captured))

    def picture(self, messages: list[bytes], captured: float) -> None:
        """Send the messages of an ordinary picture, unless the mode has changed meanwhile."""
        if not self.live or self.mode != VIDEO:
            return
        for message in messages:
            self._outbox.loose(message)
            self.meters.sent.video.add(captured, len(message))
            self._sent(channel_bytes(len(message)), captured)

    @property
    def held(self) -> IncomingPhoto | None:
        """The last photo of the other side that was prepared."""
        return self._exchange.held

    def photo_progress(self) -> float:
        """Return the share of the photo that has come, 1 if none is on its way."""
        return self._exchange.progress

    @property
    def clock_origin(self) -> int | None:
        """What the other side's timestamps are reduced by here, samples; None before the first packet."""
        return self._origin

    def set_mode(self, mode: int) -> None:
        """Change what is sent; ordinary video begins with a keyframe, and only a rich line carries it."""
        if mode == VIDEO and self.line.step is not STEPS[RICH]:
            mode = SYNTHESIS
        if mode == VIDEO and self.mode != VIDEO and self._video_out is not None:
            self._video_out.keyframe()
        self.mode = mode

    def want_thin(self, thin: bool) -> None:
        """Ask for thin mode in both directions, or let the call follow the line again."""
        self.line.controller.want(thin)

    def media_time(self, at: float) -> int:
        """Return the time of this side's sound clock, samples."""
        return max(0, round((at - self.begin) * RATE))

    @property
    def next_tick(self) -> float:
        """When `tick` wants to be called, seconds."""
        return self.begin + (self._position + self._step.samples) / RATE

    def skip(self, now: float) -> None:
        """Leave out the sound packets that were due until now: this machine had no time for them."""
        due = int((now - self.begin) / TICK) * PACKET_SAMPLES
        if due > self._position + self._step.samples:
            self._position = due

    def tick(self, now: float) -> None:
        """Send the sound packet that is due, and the faces with it."""
        self.line.sent(now - self.next_tick)
        step, start = self._step, self._position
        end = self._position = start + step.samples
        self._now = now
        sound = self.microphone.take(step.samples)
        self._announce(now)
        self._send_pieces(now)
        if not self.live:
            return
        self.line.controller.pass_time(now)
        packet = self._sounds.encode(sound, start, step, copies=self.line.protection.sound)
        data = self._message(start, end, now).to_bytes()
        payload = join(packet, data) if self._trailer else packet
        self._outbox.media(payload, start)
        sent = self.meters.sent
        sent.sound.add(now, len(packet))
        self._sent(rtp_bytes(len(payload)), now)
        if self._trailer:
            sent.face.add(now, len(data) + 1)
            self._step = self.line.step
        else:
            self._loose_face(end, data, now)

    # What comes from the other side.

    def hear_media(self, payload: bytes, timestamp: int, now: float) -> None:
        """Take a sound packet as it came; timestamp in samples, modulo 2^32."""
        if not self._permits.take(now):
            self.refused += 1
            return
        self._last_heard = now
        self._count(rtp_bytes(len(payload)), now)
        if (
            self._origin is None
        ):  # RTP clocks begin anywhere; some room is left for packets that were overtaken
            self._origin = timestamp - EARLIER_PACKETS * PACKET_SAMPLES
        start = unwrap(timestamp - self._origin, self._near or 0, 1 << 32)
        try:
            sound, data = split(payload) if self._trailer else (payload, b"")
            samples = opus_samples(sound)
        except BitstreamError:
            self.refused += 1
            return
        if samples % BACK_SAMPLES or start < 0:
            self.refused += 1
            return
        beside = (
            start % BACK_SAMPLES
        )  # a browser's sound had a gap of another length: its clock goes on from here
        self._origin, start = self._origin + beside, start - beside
        self._near = max(start, self._near or 0)
        self.line.meter.sound_came(start, samples, now)
        self.meters.received.sound.add(now, len(sound))
        self.playout.sound_came(start, start + samples, now)
        self.loudspeaker.put(start, sound, samples)
        if self._trailer:
            self.meters.received.face.add(now, len(data) + 1)
            self._hear_face(data, start, start + samples, now)

    def hear_loose(self, message: bytes, now: float) -> None:
        """Take a message of the channel that may lose."""
        if not self._permits.take(now):
            self.refused += 1
            return
        self._last_heard = now
        self._count(channel_bytes(len(message)), now)
        try:
            if message[:1] == bytes((LINE_MARK,)):
                if self.line.hear_alone(message, now):
                    self._outbox.loose(self.line.alone(now))
                return
            if message[:1] == bytes((FACE_MARK,)):
                self._hear_batch(message[1:], now)
                return
            picture = self._video_in.take(message)
        except BitstreamError:
            self.refused += 1
            return
        self.meters.received.video.add(now, len(message))
        if picture is not None:
            self._video_picture = picture
        if self._video_in.ask(now):
            self._say(Keyframe())

    def hear_reliable(self, message: str | bytes, now: float) -> None:
        """Take a message of the reliable channel; what is against the rules is a MISFIT."""
        self._last_heard = self._now = now
        if self.problem:
            return
        try:
            if not self._reliable.take(now):
                raise ProtocolError("too many messages")
            self.line.meter.bytes_came(channel_bytes(len(message)), now)
            if isinstance(message, bytes):
                self._hear_piece(message, now)
            else:
                self._hear(PEER_MESSAGES.parse(message), now)
        except (ProtocolError, BitstreamError) as error:
            self._misfit(str(error))

    def photo_prepared(self, photo: IncomingPhoto) -> None:
        """Note that a photo of the other side can be rendered now."""
        self._exchange.held = photo
        self.their_avatar = photo.avatar
        self._prepared = True
        self._say(PhotoHeld(epoch=photo.epoch))
        self._check_greeted()

    def photo_spoilt(self, problem: str) -> None:
        """Note that a photo of the other side is no picture."""
        self._misfit(problem)

    def events(self) -> list[Event]:
        """Return what has happened since the last call."""
        out = list(self._events)
        self._events.clear()
        return out

    # What to play and show.

    def sound(self, count: int, now: float) -> Sound:
        """Return the next samples to play."""
        return self.loudspeaker.read(count, now)

    def due(self, now: float) -> Show | None:
        """Return the motion to render now, if the picture must change."""
        if self.their_mode != SYNTHESIS:
            return None
        return self.faces.due(now)

    def video_picture(self) -> Pixels | None:
        """Return the newest ordinary picture once, if the other side sends such."""
        picture, self._video_picture = self._video_picture, None
        return picture if self.their_mode == VIDEO else None

    def silent_for(self, now: float) -> float:
        """Return the seconds since anything came."""
        return now - self._last_heard

    # Inside.

    @property
    def _trailer(self) -> bool:
        return self.party.trailer and (self._hello is None or self._hello.trailer)

    def _message(self, start: int, end: int, now: float) -> Bundle:
        """Return the message that goes with the sound from `start` to `end`."""
        faces: list[tuple[int, bytes]] = []
        room = MOST_FACE_BYTES
        if self.mode == SYNTHESIS and self.sender.ready:
            for motion, capture in self._motions:
                packet = self.sender.encode(motion, now, limit=self._step.limit, chained=bool(faces))
                room -= len(packet) + FACE_HEAD
                if not packet or room < 0:
                    break
                faces.append((capture, packet))
        self._motions.clear()
        again = self._copy_of_face() if self.line.protection.faces and room > LEAST_ROOM else []
        if faces:
            self._copies.append(faces[0])
        return Bundle(
            self.mode,
            self._source.avatar,
            self.faces.acknowledgement(now),
            tuple((round((end - capture) / AGE_TICKS), packet) for capture, packet in again + faces),
            self.line.due(now) if self._trailer else None,
            self._copy_of_sound(start, room - sum(len(packet) for _, packet in again)),
            self._step.face_every > 1,
        )

    def _copy_of_face(self) -> list[tuple[int, bytes]]:
        """Return capture time and packet of the first face of an earlier message, if there is one."""
        back = self.line.protection.back
        return [self._copies[-back]] if back <= len(self._copies) else []

    def _copy_of_sound(self, start: int, room: int) -> tuple[int, bytes] | None:
        """Return how much earlier it begins and the packet of sound that goes again, if there is one that fits."""
        copy = self._sounds.copy(self.line.protection.back) if self.line.protection.sound else None
        if copy is None or len(copy[1]) > room - REPORT_ROOM:
            return None
        back = (start - copy[0]) // BACK_SAMPLES
        return (back, copy[1]) if 0 < back <= LONGEST_BACK else None

    def _announce(self, now: float) -> None:
        message = self.line.announcement(now) if self.party.trailer else None
        if message is not None:
            self._outbox.loose(message)

    def _send_pieces(self, now: float) -> None:
        control = self.line.controller
        spare = control.spare_kbit_per_s if self.live else SHARE * control.limit
        for piece in self._exchange.outgoing.take(now, spare, control.limit):
            self._send_piece(piece)

    def _sent(self, size: int, now: float) -> None:
        self.meters.sent.ip.add(now, size + self.relay_bytes)

    def _count(self, size: int, now: float) -> None:
        self.meters.received.ip.add(now, size + self.relay_bytes)
        self.line.meter.bytes_came(size + self.relay_bytes, now)

    def _loose_face(self, end: int, data: bytes, now: float) -> None:
        message = self._loose.add(end, data)
        if message is not None:
            self._outbox.loose(message)
            self.meters.sent.face.add(now, len(message))
            self._sent(channel_bytes(len(message)), now)

    def _hear_batch(self, data: bytes, now: float) -> None:
        self.meters.received.face.add(now, len(data) + 1)
        if self._near is None:  # without sound there is no clock yet
            return
        for end, message in self._loose.take(data, self._near):
            self._hear_face(message, end - PACKET_SAMPLES, end, now)

    def _hear_face(self, data: bytes, start: int, end: int, now: float) -> None:
        try:
            message = Bundle.parse(data)
        except BitstreamError:
            self.refused += 1
            return
        self.their_mode, self.their_avatar = message.mode, message.avatar
        if message.ack is not None:
            self.sender.acknowledge(message.ack, message.ack.held * UNIT_MS / 1000, now)
        self.faces.thinned = message.thinned
        for age, packet in message.faces:
            self.faces.take(packet, end - age * AGE_TICKS, now)
        if message.report is not None:
            self.line.hear(message.report, self.sender.round_trip or 0.0, now)
        if message.copy is not None:
            self._hear_copy(*message.copy, start, now)
        self._ask_source(now)

    def _hear_copy(self, back: int, sound: bytes, beside: int, now: float) -> None:
        """Take a copy of sound that began `back` units before `beside`; it is of use only if the sound was lost."""
        start = beside - back * BACK_SAMPLES
        try:
            samples = opus_samples(sound)
        except BitstreamError:
            self.refused += 1
            return
        if start < 0 or samples % BACK_SAMPLES:
            return
        if not self.line.meter.came(start):
            self.playout.copy_came(start + samples, now)
        self.loudspeaker.put_copy(start, sound, samples)

    def _ask_source(self, now: float) -> None:
        missing = self.faces.unreferenced
        if missing >= MOST_UNREFERENCED and now - self._asked_source > REFRESH_SECONDS:
            self._asked_source = now
            self.faces.unreferenced = 0
            self._say(Refresh())

    def _hear(self, message: PeerMessage, now: float) -> None:
        if isinstance(message, Bye):
            self._events.append(Event.BYE)
            return
        if isinstance(message, Hello):
            self._hear_hello(message, now)
            return
        if self._hello is None:
            raise ProtocolError("the other side did not greet first")
        if isinstance(message, Photo):
            self._exchange.hear_photo(message)
            self.line.meter.photo_begins(now)
        elif isinstance(message, PhotoHeld):
            if self.sender.confirm(message.epoch):
                self._confirmed = True
                self._check_greeted()
                self._follow_up(now)
        elif isinstance(message, Refresh):
            if self._refreshes.take(now):
                self._offer(self._hello, "", now)
        elif self._video_out is not None:
            self._video_out.keyframe()

    def _hear_hello(self, hello: Hello, now: float) -> None:
        if self._hello is not None:
            raise ProtocolError("a second greeting")
        problem = self.party.problem(hello)
        if problem:
            raise ProtocolError(problem)
        self._hello = hello
        self.their_avatar = hello.avatar
        if self._previewed:
            self._then = self._source
        else:
            self._offer(hello, hello.holds, now)

    def _hear_piece(self, piece: bytes, now: float) -> None:
        self.meters.received.photos += len(piece)
        self.line.meter.photo_piece(channel_bytes(len(piece)), now)
        self._exchange.hear_piece(piece)
        if self._exchange.progress == 1 and self.line.meter.photo_ends() and self.line.known:
            self._outbox.loose(self.line.alone(now))

    def _offer(self, hello: Hello, holds: str, now: float) -> None:
        """Offer the own photo; on a line of which nothing is known yet, or that is thin, its preview first."""
        source, picture = self._source, fitting(self._source.pictures, hello.shows)
        self._then = None
        slow = not self._confirmed or self.line.controller.limit < math.inf
        if self.line.known and source.preview and slow and digest(picture.data).hex() != holds:
            self._then = source
            self._offer_preview(now)
            return
        self.sent_side = picture.side
        self._say(self._exchange.offer(source, picture.data, holds, now))
        self._send_pieces(now)

    def _offer_preview(self, now: float) -> None:
        self.sent_side = self._source.pictures[0].side
        self._say(self._exchange.offer(self._source, self._source.preview, "", now))
        for piece in self._exchange.outgoing.take(now, math.inf, math.inf):
            self._send_piece(piece)

    def _follow_up(self, now: float) -> None:
        """Offer the whole photo after its preview."""
        source, self._then = self._then, None
        if source is not None and self._hello is not None:
            picture = fitting(source.pictures, self._hello.shows)
            self.sent_side = picture.side
            self._say(self._exchange.offer(source, picture.data, "", now))
            self._send_pieces(now)

    def _send_piece(self, piece: bytes) -> None:
        self.meters.sent.photos += len(piece)
        self._outbox.reliable(piece)

    def _check_greeted(self) -> None:
        if self._prepared and self._confirmed and not self._greeted:
            self._greeted = True
            self._events.append(Event.GREETED)

    def _misfit(self, problem: str) -> None:
        self.refused += 1
        self.problem = self.problem or problem
        self._events.append(Event.MISFIT)

    def _say(self, message: PeerMessage) -> None:
        self._outbox.reliable(PEER_MESSAGES.encode(message))
