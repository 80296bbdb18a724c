// Bytes to motion: the other half of encoder.js. Any bytes give frames or BitstreamError.

import { BitstreamError, CorruptPacket, MissingReference, TruncatedStream, moved } from "./errors.js";
import { FrameCoder } from "./frame_coder.js";
import { ABSOLUTE, ANCHOR, NEXT, modeOf } from "./modes.js";
import { EPOCHS, HEAD_BYTES, HELD, parseHead, unwrap } from "./packet.js";
import { Quantizer } from "./quantizer.js";
import { RangeDecoder } from "./rangecoder.js";
import { LAST_FRAME } from "./sections.js";

/**
 * One frame as it came off the wire: its number from 0, the source to render it with, the motion, and its share of the
 * stream in bits (fractions: neighbours share bytes).
 * @typedef {{number: number, epoch: number, motion: import("./state.js").MotionFrame, bits: number}} DecodedFrame
 * @typedef {import("./state.js").CoderState} CoderState
 */

/** What both profiles share: anchors by epoch, and turning a state into a frame. */
class MotionDecoder {
  /** @param {import("./tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    this.coder = new FrameCoder(tables);
    this.quantizer = new Quantizer(tables);
    /** @type {Map<number, {epoch: number, state: CoderState}>} */
    this.anchors = new Map();
  }

  /**
   * Take the anchor of a source section and return the source's own motion; at most the 4 newest are held.
   * @param {number} epoch
   * @param {Uint8Array} anchor its bytes; none are the zero state
   * @param {number} [offset] of the anchor in the stream
   */
  source(epoch, anchor, offset = 0) {
    const { zero } = this.coder;
    const state = anchor.length ? this.read(new RangeDecoder(anchor), ABSOLUTE, zero, offset) : zero;
    this.anchors.set(epoch % EPOCHS, { epoch, state });
    return this.quantizer.frame(state.levels, state.kept);
  }

  /**
   * Return the motion of a reference section.
   * @param {Uint8Array} data
   * @param {number} [offset]
   */
  reference(data, offset = 0) {
    const state = this.read(new RangeDecoder(data), ABSOLUTE, this.coder.zero, offset);
    return this.quantizer.frame(state.levels, state.kept);
  }

  /**
   * @param {RangeDecoder} decoder
   * @param {number} mode
   * @param {CoderState} reference
   * @param {number} offset
   */
  read(decoder, mode, reference, offset) {
    try {
      return this.coder.read(decoder, mode, reference);
    } catch (error) {
      throw error instanceof CorruptPacket ? moved(error, offset) : error;
    }
  }

  /**
   * Return the epoch whose number agrees modulo 4, and its anchor.
   * @param {number} epoch
   * @param {number} offset
   */
  anchor(epoch, offset) {
    const anchor = this.anchors.get(epoch % EPOCHS);
    if (!anchor) throw new MissingReference(offset, epoch, "source");
    return anchor;
  }
}

/** Decodes runs of profile file. */
export class FileDecoder extends MotionDecoder {
  /**
   * Yield the frames of a run; of a cut one, the frames up to the cut, then TruncatedStream.
   * @param {import("./sections.js").Run} run
   * @param {number} [offset] of the section's payload in the stream
   * @param {boolean} [complete] false if the data are cut
   * @returns {Generator<DecodedFrame>}
   */
  *decode(run, offset = 0, complete = true) {
    const { epoch, state: anchor } = this.anchor(run.epoch, offset);
    if (epoch !== run.epoch) throw new MissingReference(offset, run.epoch, "source");
    if (complete && run.data.length < run.count >> 3) {
      throw new CorruptPacket(offset, `${run.data.length} bytes are too few for ${run.count} frames`);
    }
    const decoder = new RangeDecoder(run.data);
    let [mode, state, before] = [ANCHOR, anchor, 0];
    for (let number = run.first; number < run.first + run.count; number++) {
      try {
        state = this.read(decoder, mode, state, offset);
      } catch (error) {
        if (!(error instanceof CorruptPacket) || complete || decoder.position <= run.data.length) throw error;
      }
      if (!complete && decoder.position > run.data.length) throw new TruncatedStream(offset + run.data.length);
      mode = NEXT;
      const after = decoder.bits;
      const motion = this.quantizer.frame(state.levels, state.kept);
      yield { number, epoch: run.epoch, motion, bits: after - before };
      before = after;
    }
  }
}

/** Decodes packets of profile stream in whatever order they arrive. */
export class StreamDecoder extends MotionDecoder {
  /** @param {import("./tables.js").CodecTables} tables */
  constructor(tables) {
    super(tables);
    /** @type {Map<number, CoderState>} */
    this.states = new Map();
    this.newest = -1;
  }

  /**
   * Return the frame of a packet; the same packet twice gives the same frame twice.
   * @param {Uint8Array} packet
   * @param {number} [offset] of the packet in the stream
   * @param {number} [near] a frame number within 255 of this packet's, if the caller knows one; else the newest
   * @returns {DecodedFrame}
   */
  decode(packet, offset = 0, near = Math.max(this.newest, 0)) {
    const head = headAt(packet, offset);
    const number = unwrap(head.number, near);
    if (number > LAST_FRAME) throw new CorruptPacket(offset, `frame number ${number} is too large`);
    const { epoch, state: anchor } = this.anchor(head.epoch, offset);
    const reference = head.distance ? this.states.get(number - head.distance) : anchor;
    if (!reference) throw new MissingReference(offset, number - head.distance);
    const decoder = new RangeDecoder(packet.subarray(HEAD_BYTES));
    const state = this.read(decoder, modeOf(head.distance), reference, offset + HEAD_BYTES);
    this.hold(number, state);
    const motion = this.quantizer.frame(state.levels, state.kept);
    return { number, epoch, motion, bits: 8 * packet.length };
  }

  /**
   * Keep a state that later packets may build on; forget those too old.
   * @param {number} number
   * @param {CoderState} state
   */
  hold(number, state) {
    if (number > this.newest) {
      for (const old of this.states.keys()) if (old < number - HELD) this.states.delete(old);
      this.newest = number;
    }
    if (number >= this.newest - HELD) this.states.set(number, state);
  }
}

/**
 * @param {Uint8Array} packet
 * @param {number} offset
 */
function headAt(packet, offset) {
  try {
    return parseHead(packet);
  } catch (error) {
    throw error instanceof BitstreamError ? moved(error, offset) : error;
  }
}
