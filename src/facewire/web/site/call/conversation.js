// One connection to the other side, without network, clock or timers of its own (facewire/call/conversation).
//
//     motions, modes                         --> Conversation --> outbox: faces and what stands beside them, reliable, loose
//     sound packets, reliable, loose messages --> Conversation --> events, photos to prepare, what to show
//
// Time is handed in, in seconds; whatever comes from the other side gives a counted refusal or a misfit, never another
// exception.

import { FacewireError } from "../codec/errors.js";
import { Meters } from "../line/meters.js";
import { Steering } from "../line/steering.js";
import { RICH, STEPS } from "../line/steps.js";
import { Playout, RATE } from "../motion/index.js";
import { BARE, PAUSED, SYNTHESIS, UNIT_SECONDS, VIDEO, bundleBytes, parseBundle } from "../protocol/bundle.js";
import { LINE_MARK } from "../protocol/line_report.js";
import { FACE_MARK, LooseFaces } from "../protocol/loose_faces.js";
import { Permits, unwrapped } from "../protocol/numbers.js";
import { greeting, obstacle } from "../protocol/party.js";
import { PEER_MESSAGES } from "../protocol/peer_messages.js";
import { VIDEO_MARK, VideoPieces } from "../protocol/video_pieces.js";
import { ProtocolError } from "../protocol/wire.js";
import { FaceCoder } from "./face_coder.js";
import { FaceReceiver } from "./face_receiver.js";
import { FaceSender } from "./face_sender.js";
import { PhotoExchange } from "./photo_exchange.js";

export const SILENCE_SECONDS = 4;  // after so long without a packet the connection counts as broken
const AGE_SAMPLES = UNIT_SECONDS * RATE;
const CLOCK = 2 ** 32;
const EARLIER_SAMPLES = 64 * 1920;  // sound before the first packet that came may still come
const MOST_EVENTS = 16;
const [LOOSE_SECONDS, MOST_LOOSE] = [0.04, 2];  // between face messages without sound, and faces in one
const REFRESH_SECONDS = 5;  // between two requests for a new source
const MOST_UNREFERENCED = 5;  // face packets in a row without their source before a new one is asked for
const [RELIABLE_RATE, RELIABLE_BURST, MEDIA_RATE, MEDIA_BURST, REFRESH_RATE, REFRESH_BURST] = [100, 600, 200, 400, 0.2, 3];

/**
 * Where to send. `standing` is what stands beside faces from now on; `face` goes behind the next sound packet, coded from the
 * last `source` on, and on what was `confirmed`.
 * @typedef {object} Outbox
 * @property {(message: string | Uint8Array) => void} reliable
 * @property {(message: Uint8Array) => void} loose
 * @property {(standing: Record<string, any>) => void} standing
 * @property {(motion: import("../codec/state.js").MotionFrame) => void} source
 * @property {(number: number) => void} confirmed
 * @property {(face: import("./face_coder.js").Captured) => void} face
 * @property {(report: import("../protocol/line_report.js").LineReport) => void} report
 *
 * A sound packet that left: RTP timestamp, samples in it, bytes of sound and of what stands behind it, the frames in that.
 * @typedef {{timestamp: number, samples: number, sound: number, face: number, numbers: number[]}} LeftPacket
 *
 * A sound packet as it came: RTP timestamp, samples in it, bytes on the wire, the message behind it (null: none wanted).
 * @typedef {{timestamp: number, samples: number, bytes: number, message: Uint8Array | null}} SoundPacket
 */

/** One connection. */
export class Conversation {
  /**
   * @param {import("../protocol/party.js").Party} party this side
   * @param {import("./photo_exchange.js").OwnSource} source what this side is shown with
   * @param {Outbox} outbox
   * @param {number} now
   * @param {import("./photo_exchange.js").IncomingPhoto | null} held the last photo of the other side
   */
  constructor(party, source, outbox, now, held) {
    this.party = party;
    this.source = source;
    this.outbox = outbox;
    this.begin = now;
    this.lastHeard = now;
    this.playout = new Playout();
    this.faces = new FaceReceiver(party.tables, this.playout);
    this.sender = new FaceSender(party.tables);
    /** Where no faces go behind the sound. */
    this.coder = new FaceCoder(party.tables);
    this.exchange = new PhotoExchange(this.sender, this.faces, held);
    this.line = new Steering(party.thin);
    this.meters = new Meters();
    this.video = new VideoPieces();
    this.mode = SYNTHESIS;
    this.theirMode = SYNTHESIS;
    this.theirAvatar = false;
    /** The next ordinary picture must stand alone; whoever codes it takes this back. */
    this.wantsKeyframe = true;
    /** Sound and face are sent only while this is set. */
    this.live = false;
    /** Packets and messages from the other side that were none. */
    this.refused = 0;
    /** Why a misfit happened. */
    this.problem = "";
    /** Bytes that photos took: sent, received. */
    this.photoBytes = [0, 0];
    /** @type {import("./states.js").Event[]} */
    this.happened = [];
    /** @type {Record<string, any> | null} */
    this.hello = null;
    this.prepared = false;
    this.confirmed = false;
    this.greeted = false;
    /** @type {number | null} */
    this.origin = null;
    this.near = 0;
    /** The same of the sound that leaves. @type {number | null} */
    this.ownOrigin = null;
    this.ownNear = 0;
    this.loose = new LooseFaces();
    /** Motions that wait to go without sound. @type {import("./face_coder.js").Captured[]} */
    this.waiting = [];
    this.looseAt = now;
    this.askedSource = -Infinity;
    this.captured = -Infinity;
    this.reliablePermits = new Permits(RELIABLE_RATE, RELIABLE_BURST);
    this.permits = new Permits(MEDIA_RATE, MEDIA_BURST);
    this.refreshes = new Permits(REFRESH_RATE, REFRESH_BURST);
  }

  // What this side does.

  /** True if face bytes go behind the sound. */
  get trailer() { return this.party.trailer && (this.hello?.trailer ?? true); }

  /** The last photo of the other side that was prepared. */
  get held() { return this.exchange.held; }

  /** Send the greeting; the photo follows when the other side has greeted. */
  greet() {
    this.stand();
    this.announce(this.begin);
    this.say("hello", greeting(this.party, this.source.avatar, this.held?.sha256 ?? ""));
  }

  /** @param {string} [reason] */
  hangUp(reason = "") { this.say("bye", { reason: reason.slice(0, 200) }); }

  /**
   * Use another source from the moment on at which the other side holds it.
   * @param {import("./photo_exchange.js").OwnSource} source
   */
  newSource(source) {
    this.source = source;
    if (this.hello) this.offer(this.hello.holds);
  }

  /**
   * Hand in what the camera showed at a time; say whether it is sent.
   * @param {import("../codec/state.js").MotionFrame} motion
   * @param {number} captured
   * @param {number} now
   */
  motion(motion, captured, now) {
    const due = captured - this.captured >= this.line.faceSeconds;
    if (!due || !this.live || this.mode !== SYNTHESIS || !this.sender.ready) return false;
    this.captured = captured;
    this.meters.sent.frames.add(now);
    if (this.trailer) this.outbox.face({ motion, captured });
    else this.waiting = [...this.waiting.slice(1 - MOST_LOOSE), { motion, captured }];
    return true;
  }

  /**
   * Change what is sent; only a rich line carries ordinary video.
   * @param {number} mode
   */
  setMode(mode) {
    const carried = mode === VIDEO && this.line.step !== STEPS[RICH] ? SYNTHESIS : mode;
    if (carried === this.mode) return;
    this.mode = carried;
    this.wantsKeyframe = true;
    this.stand();
  }

  /**
   * Send the messages of an ordinary picture, unless the mode has changed meanwhile.
   * @param {Uint8Array[]} messages
   * @param {number} now
   */
  picture(messages, now) {
    if (!this.live || this.mode !== VIDEO) return;
    for (const message of messages) {
      this.meters.sent.video.add(now, message.length);
      this.sendLoose(message, now);
    }
  }

  /**
   * Return a time on this side's sound clock, samples.
   * @param {number} at seconds
   */
  mediaTime(at) { return Math.max(0, Math.round((at - this.begin) * RATE)); }

  /**
   * Ask for thin mode in both directions, or let the call follow the line again.
   * @param {boolean} thin
   */
  wantThin(thin) { this.line.want(thin); }

  /**
   * Say what is due though nothing came: reports on the line, and faces where none go behind the sound.
   * @param {number} now
   */
  tick(now) {
    this.announce(now);
    if (!this.live) return;
    if (!this.trailer) {
      this.sendLoosely(now);
      return;
    }
    this.line.passTime(now);
    const report = this.line.due(now);
    if (report) this.outbox.report(report);
  }

  /** @param {number} now */
  sendLoosely(now) {
    if (now - this.looseAt < LOOSE_SECONDS) return;
    this.looseAt = now;
    const coded = this.coder.message(this.waiting.splice(0));
    this.sender.left(coded.map(({ number }) => number), now);
    const faces = coded
      .map(({ packet, captured }) => ({ age: Math.round((now - captured) / UNIT_SECONDS), packet }));
    const ack = this.faces.acknowledgement(now);
    const bytes = bundleBytes({ ...BARE, mode: this.mode, avatar: this.source.avatar, ack, faces });
    const message = this.loose.add(Math.round((now - this.begin) * RATE), bytes);
    if (!message) return;
    this.meters.sent.face.add(now, message.length);
    this.sendLoose(message, now);
  }

  /**
   * @param {Uint8Array} message
   * @param {number} now
   */
  sendLoose(message, now) {
    this.meters.message(this.meters.sent, message.length, now);
    this.outbox.loose(message);
  }

  /**
   * Note a sound packet that left.
   * @param {LeftPacket} packet
   * @param {number} now when it did
   */
  soundLeft({ timestamp, samples, numbers, ...bytes }, now) {
    this.sender.left(numbers, now);
    this.meters.sound(this.meters.sent, bytes, now);
    this.ownOrigin ??= timestamp;
    this.ownNear = unwrapped(timestamp - this.ownOrigin, this.ownNear, CLOCK);
    if (samples) this.line.soundLeft(this.ownNear, samples, now);
  }

  // What comes from the other side.

  /**
   * Take a sound packet.
   * @param {SoundPacket} packet
   * @param {number} now when it came
   */
  hearSound({ timestamp, samples, bytes, message }, now) {
    if (!this.permitted(now)) return;
    this.origin ??= timestamp - EARLIER_SAMPLES;
    const face = message ? message.length + 1 : 0;
    this.meters.sound(this.meters.received, { sound: bytes - face, face }, now);
    const start = unwrapped(timestamp - this.origin, this.near, CLOCK);
    if (start < 0) {
      this.refused++;
      return;
    }
    this.near = Math.max(start, this.near);
    this.line.soundCame(start, samples, bytes, now);
    this.playout.soundCame(start, start + samples, now);
    if (message) this.guarded(() => this.hearFace(message, start + samples, now));
  }

  /**
   * Take a message of the channel that may lose.
   * @param {Uint8Array} message
   * @param {number} now
   */
  hearLoose(message, now) {
    if (!this.permitted(now)) return;
    this.line.messageCame(message.length, now);
    this.meters.message(this.meters.received, message.length, now);
    this.guarded(() => {
      if (message[0] === LINE_MARK) this.hearLine(message, now);
      else if (message[0] === FACE_MARK) this.hearBatch(message.subarray(1), now);
      else if (message[0] === VIDEO_MARK) this.hearVideo(message, now);
      else this.refused++;
    });
    if (this.video.ask(now)) this.say("keyframe");
  }

  /**
   * Take a message of the reliable channel; what is against the rules is a misfit.
   * @param {string | Uint8Array} message
   * @param {number} now
   */
  hearReliable(message, now) {
    this.lastHeard = now;
    if (this.problem) return;
    try {
      if (!this.reliablePermits.take(now)) throw new ProtocolError("too many messages");
      this.line.messageCame(message.length, now);
      if (typeof message === "string") this.hear(PEER_MESSAGES.parse(message), now);
      else this.hearPiece(message, now);
    } catch (error) {
      if (!(error instanceof FacewireError)) throw error;
      this.misfit(error.message);
    }
  }

  /**
   * Note that a photo of the other side can be rendered now.
   * @param {import("./photo_exchange.js").IncomingPhoto} photo
   */
  photoPrepared(photo) {
    this.exchange.held = photo;
    this.theirAvatar = photo.avatar;
    this.prepared = true;
    this.say("photo-held", { epoch: photo.epoch });
    this.checkGreeted();
  }

  /**
   * Note that a photo of the other side is no picture.
   * @param {string} problem
   */
  photoSpoilt(problem) { this.misfit(problem); }

  /** Return what has happened since the last call. */
  events() { return this.happened.splice(0); }

  // What to show.

  /**
   * Return the motion to render now, if the picture must change.
   * @param {number} now
   */
  due(now) { return this.theirMode === SYNTHESIS ? this.faces.due(now) : null; }

  /** Return the seconds since anything came. @param {number} now */
  silentFor(now) { return now - this.lastHeard; }

  // Inside.

  /** @param {number} now */
  permitted(now) {
    if (!this.permits.take(now)) {
      this.refused++;
      return false;
    }
    this.lastHeard = now;
    return true;
  }

  /** Count what is none of the protocol's messages. @param {() => void} act */
  guarded(act) {
    try {
      act();
    } catch (error) {
      if (!(error instanceof FacewireError)) throw error;
      this.refused++;
    }
  }

  stand() {
    const { step, protection } = this.line;
    const [thinned, limit, avatar] = [step.faceEvery > 1, step.limit, this.source.avatar];
    this.outbox.standing({ mode: this.mode, avatar, newest: this.faces.newest, trailer: this.trailer, thinned, limit, protection });
  }

  /** @param {number | null} number of a frame that the other side has */
  confirm(number) {
    if (number === null) return;
    this.coder.confirmed(number);
    this.outbox.confirmed(number);
  }

  /**
   * @param {Uint8Array} data
   * @param {number} end of the sound beside it, samples
   * @param {number} now
   */
  hearFace(data, end, now) {
    const message = parseBundle(data);
    [this.theirMode, this.theirAvatar, this.faces.thinned] = [message.mode, message.avatar, message.thinned];
    if (message.ack) this.confirm(this.sender.acknowledge(message.ack, now));
    for (const { age, packet } of message.faces) this.faces.take(packet, end - age * AGE_SAMPLES, now);
    if (message.faces.length) this.stand();
    if (message.report) {
      this.line.hear(message.report, this.sender.roundTrip ?? 0, now);
      this.stand();
    }
    if (this.faces.unreferenced >= MOST_UNREFERENCED && now - this.askedSource > REFRESH_SECONDS) {
      this.askedSource = now;
      this.faces.unreferenced = 0;
      this.say("refresh");
    }
  }

  /**
   * @param {Uint8Array} data
   * @param {number} now
   */
  hearBatch(data, now) {
    this.meters.received.face.add(now, data.length);
    if (this.origin === null) return;  // without sound there is no clock yet
    for (const { end, message } of this.loose.take(data, this.near)) this.hearFace(message, end, now);
  }

  /**
   * @param {Uint8Array} message
   * @param {number} now
   */
  hearLine(message, now) {
    if (this.line.hearAlone(message, now)) this.sendLoose(this.line.alone(now), now);
  }

  /**
   * @param {Uint8Array} message
   * @param {number} now
   */
  hearVideo(message, now) {
    this.video.take(message);
    this.meters.received.video.add(now, message.length);
  }

  /** @param {number} now */
  announce(now) {
    const message = this.party.trailer ? this.line.announcement(now) : null;
    if (message) this.sendLoose(message, now);
  }

  /**
   * @param {{type: string} & Record<string, any>} message
   * @param {number} now
   */
  hear(message, now) {
    if (message.type === "bye") {
      this.happen("bye");
      return;
    }
    if (message.type === "hello") {
      this.hearHello(message);
      return;
    }
    if (!this.hello) throw new ProtocolError("the other side did not greet first");
    if (message.type === "photo") {
      this.exchange.hearHead(message);
      this.line.photoBegins(now);
    } else if (message.type === "photo-held") {
      const motion = this.sender.confirm(message.epoch);
      if (!motion) return;
      this.coder.source(motion);
      this.outbox.source(motion);
      this.confirmed = true;
      this.checkGreeted();
    } else if (message.type === "refresh") {
      if (this.refreshes.take(now)) this.offer("");
    } else this.wantsKeyframe = true;
  }

  /** @param {Record<string, any>} hello */
  hearHello(hello) {
    if (this.hello) throw new ProtocolError("a second greeting");
    const problem = obstacle(this.party, hello);
    if (problem) throw new ProtocolError(problem);
    this.hello = hello;
    this.theirAvatar = hello.avatar;
    this.stand();
    this.offer(hello.holds);
  }

  /**
   * @param {Uint8Array} piece
   * @param {number} now
   */
  hearPiece(piece, now) {
    this.photoBytes[1] += piece.length;
    this.line.photoPiece(piece.length, now);
    this.exchange.hearPiece(piece);
    const isNew = this.exchange.progress === 1 && this.line.photoEnds();
    if (isNew && this.line.known) this.sendLoose(this.line.alone(now), now);
  }

  /** @param {string} holds SHA-256 of what the other side holds */
  offer(holds) {
    const { head, pieces } = this.exchange.offer(this.source, holds);
    this.say("photo", head);
    for (const piece of pieces) {
      this.photoBytes[0] += piece.length;
      this.outbox.reliable(piece);
    }
  }

  checkGreeted() {
    if (!this.prepared || !this.confirmed || this.greeted) return;
    this.greeted = true;
    this.happen("greeted");
  }

  /** @param {string} problem */
  misfit(problem) {
    this.refused++;
    this.problem ||= problem;
    this.happen("misfit");
  }

  /** @param {import("./states.js").Event} event */
  happen(event) { this.happened = [...this.happened.slice(1 - MOST_EVENTS), event]; }

  /**
   * @param {string} type
   * @param {Record<string, any>} [fields]
   */
  say(type, fields = {}) { this.outbox.reliable(PEER_MESSAGES.encode(type, fields)); }
}

export { PAUSED, SYNTHESIS, VIDEO };
