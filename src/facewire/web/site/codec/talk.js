// A whole talk: motion, source images, sound and patches in one .fwv file.
//
//     TalkWriter: source() frame() frame() audio() ... finish() -> bytes
//     openTalk: for (const item of reader) item.is === "source" | "reference" | "frame" | "audioHead" | "audio" | "patch"
//
// Pictures and sound are bytes of their own codecs and are not looked at.

import { Bank } from "./bank.js";
import { hex } from "./bytes.js";
import { FwvReader, FwvWriter } from "./container.js";
import { FileDecoder, StreamDecoder } from "./decoder.js";
import { FileEncoder, StreamEncoder } from "./encoder.js";
import { BitstreamError, CorruptPacket, MissingReference, TruncatedStream, UnknownTable } from "./errors.js";
import { BARE_PICTURES, FILE, RAW, RECALLS, REFERENCES, STREAM } from "./header.js";
import { HEAD_BYTES, NUMBERS, parseHead } from "./packet.js";
import { decodeRaw, encodeRaw } from "./raw.js";
import * as kinds from "./sections.js";

const FILE_GROUP = 250;  // frames a motion section in profile file
const PACKET_GROUP = 50;  // and in the others

/**
 * @typedef {import("./state.js").MotionFrame} MotionFrame
 * @typedef {import("./tables.js").CodecTables} CodecTables
 * @typedef {import("./container.js").Section} Section
 *
 * A source image: number, first frame that uses it, type of the picture (null if the last one stays, or the one of
 * `recalls`), its bytes, the source's own motion (null in profile raw), the epoch that an earlier picture came with.
 * @typedef {{is: "source", epoch: number, frame: number, mime: string | null, picture: Uint8Array,
 *   motion: MotionFrame | null, recalls: number | null}} SourcePicture
 * @typedef {{is: "reference", frame: number, motion: MotionFrame}} TalkReference
 * @typedef {{is: "frame"} & import("./decoder.js").DecodedFrame} TalkFrame
 * @typedef {{is: "audioHead"} & kinds.AudioHead} TalkAudioHead
 * @typedef {{is: "audio"} & kinds.Audio} TalkAudio
 * @typedef {{is: "patch"} & kinds.Patch} TalkPatch
 * @typedef {SourcePicture | TalkReference | TalkFrame | TalkAudioHead | TalkAudio | TalkPatch} Item
 */

/**
 * Return the header of a talk.
 * @param {number} profile STREAM, FILE or RAW
 * @param {CodecTables | null} tables null in profile raw
 * @param {object} of
 * @param {Uint8Array} of.weightsSha256
 * @param {[number, number]} of.size width and height, pixels
 * @param {[number, number]} of.fps numerator and denominator
 * @param {number} of.keypoints
 * @param {boolean} [of.references] whether there will be reference sections
 * @param {boolean} [of.recalls] whether there may be recalls
 * @param {boolean} [of.bare] whether pictures may be key frames without a container
 * @returns {import("./header.js").Header}
 */
export function talkHeader(profile, tables, of) {
  if ((tables === null) !== (profile === RAW)) throw new RangeError("profile raw has no tables, the others need some");
  return {
    profile,
    fingerprint: of.weightsSha256.slice(0, 8),
    table: tables?.id ?? 0,
    tableHash: tables?.fingerprint ?? new Uint8Array(8),
    width: of.size[0],
    height: of.size[1],
    fps: of.fps,
    keypoints: of.keypoints,
    minor: of.bare ? BARE_PICTURES : of.recalls ? RECALLS : of.references ? REFERENCES : 0,
  };
}

/** Writes a talk in the profile that the header names. */
export class TalkWriter {
  /**
   * @param {import("./header.js").Header} header
   * @param {CodecTables | null} tables null in profile raw
   * @param {{group?: number, confirmAfter?: number}} [options] frames a motion section; in profile stream, frames after
   *   which a packet counts as received (never by default)
   */
  constructor(header, tables, { group, confirmAfter } = {}) {
    this.group = group ?? (header.profile === FILE ? FILE_GROUP : PACKET_GROUP);
    if (!(this.group >= 1 && this.group <= kinds.MOST_FRAMES)) {
      throw new RangeError(`a group of ${group} frames is not possible: 1 to ${kinds.MOST_FRAMES}`);
    }
    this.file = tables && header.profile === FILE ? new FileEncoder(tables, this.group) : null;
    this.stream = tables && header.profile === STREAM ? new StreamEncoder(tables) : null;
    this.confirmAfter = confirmAfter;
    /** Frames given so far. */
    this.frames = 0;
    this.epoch = -1;
    /** @type {Bank<boolean>} */
    this.bank = new Bank();
    /** @type {Uint8Array[]} */
    this.waiting = [];
    this.writer = new FwvWriter(header);
  }

  /** What is coded with tables; null in profile raw. */
  get encoder() { return this.file ?? this.stream; }

  /**
   * Write a source image, the first, or a new one from the next frame on.
   * @param {MotionFrame | null} motion the source's own; null: unknown
   * @param {Uint8Array} picture bytes of a still-picture file; none with mime 0 keep the last picture
   * @param {number} mime
   */
  source(motion, picture, mime) {
    this.flush();
    this.epoch++;
    const anchor = this.encoder?.source(motion) ?? new Uint8Array(0);
    if (mime !== kinds.MIME_NONE) this.bank.add(this.epoch, true);
    const payload = kinds.sourceBytes({ epoch: this.epoch, frame: this.frames, mime, anchor, picture });
    this.put(kinds.SOURCE, payload, kinds.parseSource);
  }

  /**
   * Write that an earlier picture is the source from the next frame on.
   * @param {MotionFrame | null} motion the picture's own
   * @param {number} epoch that the picture came with
   */
  recall(motion, epoch) {
    if (this.writer.header.minor < RECALLS) throw new RangeError("the header does not say that there are recalls");
    if (!this.bank.recall(epoch)) throw new RangeError(`the receiver does not hold the picture of epoch ${epoch}`);
    this.flush();
    this.put(kinds.RECALL, kinds.recallBytes({ epoch: this.epoch + 1, picture: epoch }), kinds.parseRecall);
    this.source(motion, new Uint8Array(0), kinds.MIME_NONE);
  }

  /**
   * Write what stands for rest from the next frame on.
   * @param {MotionFrame} motion
   */
  reference(motion) {
    if (this.epoch < 0 || this.writer.header.minor < REFERENCES) {
      throw new RangeError("a source comes first, and the header says that there are references");
    }
    this.flush();
    const data = this.encoder?.reference(motion) ?? encodeRaw(motion);
    this.put(kinds.REFERENCE, kinds.referenceBytes({ frame: this.frames, motion: data }), kinds.parseReference);
  }

  /**
   * Add the next frame.
   * @param {MotionFrame} motion
   * @param {import("./encoder.js").Choose} [choose] decides how many keypoints are sent (not in profile raw)
   */
  frame(motion, choose) {
    if (this.epoch < 0) throw new RangeError("a source comes first");
    this.frames++;
    if (this.file) {
      this.putRun(this.file.encode(motion, choose));
      return;
    }
    this.waiting.push(this.packet(motion, choose));
    if (this.waiting.length === this.group) this.flush();
  }

  /** @param {kinds.AudioHead} head */
  audioHead(head) { this.put(kinds.AUDIO_HEAD, kinds.audioHeadBytes(head), kinds.parseAudioHead); }

  /** @param {kinds.Audio} audio */
  audio(audio) { this.put(kinds.AUDIO, kinds.audioBytes(audio), kinds.parseAudio); }

  /** @param {kinds.Patch} patch */
  patch(patch) {
    const parse = (/** @type {Uint8Array} */ payload) => kinds.parsePatch(payload, 0, this.writer.header);
    this.put(kinds.PATCH, kinds.patchBytes(patch), parse);
  }

  /**
   * Write what is left and the end, and return the whole file.
   * @param {{index?: boolean}} [options]
   */
  finish({ index = true } = {}) {
    this.flush();
    return this.writer.finish(this.frames, index);
  }

  /**
   * Write a section that a decoder will take; what it would refuse is a RangeError here.
   * @param {number} kind
   * @param {Uint8Array} payload
   * @param {(payload: Uint8Array, offset: number) => unknown} parse
   */
  put(kind, payload, parse) {
    try {
      const { mime } = /** @type {{mime?: number}} */ (parse(payload, 0));
      if (mime === kinds.MIME_AV1 && this.writer.header.minor < BARE_PICTURES) {
        throw new RangeError("the header does not say that there are pictures without a container");
      }
    } catch (error) {
      throw error instanceof BitstreamError ? new RangeError(error.problem) : error;
    }
    this.writer.write(kind, payload);
  }

  /**
   * @param {MotionFrame} motion
   * @param {import("./encoder.js").Choose} [choose]
   */
  packet(motion, choose) {
    if (!this.stream) {
      if (choose) throw new RangeError("profile raw sends the keypoints that the frame says");
      return encodeRaw(motion);
    }
    if (this.confirmAfter !== undefined) this.stream.acknowledge(this.stream.number - this.confirmAfter);
    return this.stream.encode(motion, choose).data;
  }

  flush() {
    if (this.file) this.putRun(this.file.flush());
    else if (this.waiting.length) {
      const first = this.frames - this.waiting.length;
      this.writer.write(kinds.MOTION, kinds.packetsBytes({ first, packets: this.waiting }), first);
      this.waiting = [];
    }
  }

  /** @param {kinds.Run | null} run */
  putRun(run) {
    if (run) this.writer.write(kinds.MOTION, kinds.runBytes(run), run.first);
  }
}

/**
 * Return a reader of a talk's bytes, with the tables that its header names.
 * @param {Uint8Array} data
 * @param {(table: number, tableHash: Uint8Array) => Promise<CodecTables | null> | CodecTables | null} findTables
 * @param {{tolerant?: boolean}} [options] tolerant: skip damaged sections, and packets whose references are missing
 */
export async function openTalk(data, findTables, options = {}) {
  const sections = new FwvReader(data, options);
  const { profile, table, tableHash, keypoints } = sections.header;
  const tables = profile === RAW ? null : await findTables(table, tableHash);
  if (profile !== RAW && tables?.keypoints !== keypoints) throw new UnknownTable(20, table, hex(tableHash));
  return new TalkReader(sections, tables);
}

/** Iterates over a talk; made by `openTalk`. */
export class TalkReader {
  /**
   * @param {FwvReader} sections
   * @param {CodecTables | null} tables
   */
  constructor(sections, tables) {
    this.sections = sections;
    this.header = sections.header;
    this.tolerant = sections.tolerant;
    /** Sections and packets passed over because of damage (only if tolerant). */
    this.skipped = 0;
    this.epoch = -1;
    this.nextFrame = 0;
    this.heads = 0;
    /** @type {Bank<boolean>} */
    this.bank = new Bank();
    /** @type {kinds.Recall | null} */
    this.recalled = null;
    this.file = tables && this.header.profile === FILE ? new FileDecoder(tables) : null;
    this.stream = tables && this.header.profile === STREAM ? new StreamDecoder(tables) : null;
  }

  /**
   * Yield everything in file order.
   * @returns {Generator<Item>}
   */
  *[Symbol.iterator]() {
    for (const section of this.sections) {
      if (!section.intact) {
        this.skipped++;
        continue;
      }
      try {
        yield* this.items(section);
      } catch (error) {
        if (!this.tolerant || !isDamage(error)) throw error;
        this.skipped++;
      }
    }
  }

  /**
   * @param {Section} section
   * @returns {Generator<Item>}
   */
  *items(section) {
    const { kind, payload, start, offset } = section;
    if (this.epoch < 0 && (kind > kinds.SOURCE && kind < kinds.END || kind === kinds.REFERENCE)) {
      throw new CorruptPacket(offset, "the first section is not a source");
    }
    if (kind === kinds.SOURCE) yield this.source(section);
    else if (kind === kinds.MOTION) yield* this.motion(section);
    else if (kind === kinds.AUDIO_HEAD) yield this.audioHead(section);
    else if (kind === kinds.AUDIO) yield this.audio(section);
    else if (kind === kinds.PATCH) yield { is: "patch", ...kinds.parsePatch(payload, start, this.header) };
    else if (kind === kinds.REFERENCE) yield this.reference(section);
    else if (kind === kinds.RECALL) this.recalled = kinds.parseRecall(payload, start);
    else if (kind === kinds.INDEX) kinds.parseIndex(payload, start);
    else if (kind === kinds.END) kinds.parseEnd(payload, start);
  }

  /**
   * @param {Section} section
   * @returns {SourcePicture}
   */
  source({ payload, start }) {
    const { epoch, frame, mime, anchor, picture } = kinds.parseSource(payload, start);
    const expected = this.epoch + 1;
    if (epoch !== expected && !(this.tolerant && epoch > expected)) {
      throw new CorruptPacket(start, `source ${epoch} stands where ${expected} should`);
    }
    const recalls = this.recalledPicture(epoch, mime, start);
    const decoder = this.file ?? this.stream;
    if (!decoder && anchor.length) throw new CorruptPacket(start, "profile raw has no anchors");
    const motion = decoder?.source(epoch, anchor, start) ?? null;
    this.epoch = epoch;
    if (mime !== kinds.MIME_NONE) this.bank.add(epoch, true);
    return { is: "source", epoch, frame, mime: kinds.MIME_TYPES[mime], picture, motion, recalls };
  }

  /**
   * Return the epoch that a source's picture came with if the section before named one.
   * @param {number} epoch
   * @param {number} mime
   * @param {number} offset
   */
  recalledPicture(epoch, mime, offset) {
    const recall = this.recalled;
    this.recalled = null;
    if (!recall || (this.tolerant && recall.epoch < epoch)) return null;
    if (recall.epoch !== epoch || mime !== kinds.MIME_NONE) {
      throw new CorruptPacket(offset, `the recall of epoch ${recall.epoch} belongs to another source`);
    }
    if (!this.bank.recall(recall.picture)) throw new MissingReference(offset, recall.picture, "source");
    return recall.picture;
  }

  /**
   * @param {Section} section
   * @returns {TalkReference}
   */
  reference({ payload, start }) {
    const { frame, motion } = kinds.parseReference(payload, start);
    const offset = start + payload.length - motion.length;
    const decoder = this.file ?? this.stream;
    const decoded = decoder?.reference(motion, offset) ?? decodeRaw(motion, this.header.keypoints, offset);
    return { is: "reference", frame, motion: decoded };
  }

  /**
   * @param {Section} section
   * @returns {TalkAudioHead}
   */
  audioHead({ payload, start, offset }) {
    if (++this.heads > 1) throw new CorruptPacket(offset, "a second audio head");
    return { is: "audioHead", ...kinds.parseAudioHead(payload, start) };
  }

  /**
   * @param {Section} section
   * @returns {TalkAudio}
   */
  audio({ payload, start, offset }) {
    if (!this.heads) throw new CorruptPacket(offset, "sound without an audio head");
    return { is: "audio", ...kinds.parseAudio(payload, start) };
  }

  /**
   * @param {Section} section
   * @returns {Generator<TalkFrame>}
   */
  *motion(section) {
    for (const frame of this.file ? this.run(section, this.file) : this.packets(section)) yield { is: "frame", ...frame };
  }

  /**
   * @param {Section} section
   * @param {FileDecoder} decoder
   */
  *run({ payload, start, whole }, decoder) {
    const run = kinds.parseRun(payload, start);
    this.ordered(run.first, start);
    this.nextFrame = run.first + run.count;
    if (run.epoch !== this.epoch) throw new MissingReference(start, run.epoch, "source");
    yield* decoder.decode(run, start, whole);
  }

  /** @param {Section} section */
  *packets({ payload, start, whole }) {
    const packets = kinds.parsePackets(payload, start, whole);
    this.ordered(packets.first, start);
    yield* this.stream ? this.streamed(packets, this.stream) : this.raw(packets);
  }

  /**
   * @param {kinds.Packets} packets
   * @param {StreamDecoder} decoder
   */
  *streamed({ first, packets, offsets }, decoder) {
    let near = first;
    if (packets.length && packets[0].length >= HEAD_BYTES && parseHead(packets[0]).number !== near % NUMBERS) {
      throw new CorruptPacket(offsets[0], "the first packet has another number than its section");
    }
    for (const [index, packet] of packets.entries()) {
      let frame;
      try {
        frame = decoder.decode(packet, offsets[index], near);
      } catch (error) {
        if (!this.tolerant || !(isDamage(error) || error instanceof TruncatedStream)) throw error;
        this.skipped++;
        continue;
      }
      near = frame.number;
      yield frame;
    }
  }

  /** @param {kinds.Packets} packets */
  *raw({ first, packets, offsets }) {
    this.nextFrame = first + packets.length;
    for (const [index, packet] of packets.entries()) {
      const motion = decodeRaw(packet, this.header.keypoints, offsets[index]);
      yield { number: first + index, epoch: this.epoch, motion, bits: 8 * packet.length };
    }
  }

  /**
   * Check that motion sections do not go back.
   * @param {number} first
   * @param {number} offset
   */
  ordered(first, offset) {
    if (first < this.nextFrame) {
      throw new CorruptPacket(offset, `frame ${first} comes after frame ${this.nextFrame - 1}`);
    }
    this.nextFrame = first;
  }
}

/** @param {unknown} error */
function isDamage(error) { return error instanceof CorruptPacket || error instanceof MissingReference; }
