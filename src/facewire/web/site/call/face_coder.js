// Motions to the packets of one connection, as many as go in one message: the first builds on a frame that was confirmed,
// each further one on the one before it (facewire/call/conversation).

import { StreamEncoder } from "../codec/encoder.js";
import { adaptive } from "../codec/sufficiency.js";
import { LONGEST_TRAILER } from "../protocol/trailer.js";

export const MOST_FACE_BYTES = LONGEST_TRAILER - 6;  // flags, acknowledgement, ages and a length stand in the same trailer
const FACE_HEAD = 2;  // bytes beside each packet

/**
 * A motion and when the camera showed it; the same as it goes to the other side, with the number of its frame.
 * @typedef {{motion: import("../codec/state.js").MotionFrame, captured: number}} Captured
 * @typedef {{packet: Uint8Array, captured: number, number: number}} Coded
 */

/** Codes one connection's faces; a source comes first. */
export class FaceCoder {
  /** @param {import("../codec/tables.js").CodecTables} tables */
  constructor(tables) {
    this.tables = tables;
    this.encoder = new StreamEncoder(tables);
    /** @type {Map<number, import("../codec/encoder.js").Choose>} */
    this.rules = new Map();
  }

  /** True once there is a source. */
  get ready() { return this.encoder.epoch >= 0; }

  /** Begin an epoch. @param {import("../codec/state.js").MotionFrame} motion of the source itself */
  source(motion) { this.encoder.source(motion); }

  /** Note that the other side has a frame. @param {number} number */
  confirmed(number) { this.encoder.acknowledge(number); }

  /**
   * Return the packets of one message, as many as fit.
   * @param {Captured[]} motions
   * @param {number} [limit] pixels of a 256-pixel picture by which keypoints that are not sent may be off; 0: all are sent
   * @returns {Coded[]}
   */
  message(motions, limit = 0) {
    const coded = [];
    let room = MOST_FACE_BYTES;
    for (const { motion, captured } of this.ready ? motions : []) {
      const { number, data: packet } = this.encoder.encode(motion, this.rule(limit), coded.length > 0);
      room -= packet.length + FACE_HEAD;
      if (packet.length > MOST_FACE_BYTES || room < 0) break;
      coded.push({ packet, captured, number });
    }
    return coded;
  }

  /** @param {number} limit */
  rule(limit) {
    if (!limit) return undefined;
    if (!this.rules.has(limit)) this.rules.set(limit, adaptive(this.tables.columns, limit));
    return this.rules.get(limit);
  }
}
