// A source picture in pieces, with its length and hash said first (docs/call.md section 5).

import { hex, joined, uintBytes } from "../codec/bytes.js";
import { CorruptPacket } from "../codec/errors.js";

export const PIECE_BYTES = 1000;
export const LARGEST_PHOTO = 256 * 1024;
export const PIECE_MARK = 0x50;
const HEAD_BYTES = 7;

/**
 * Return the SHA-256 of a photo, hexadecimal.
 * @param {Uint8Array} data
 */
export async function digest(data) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {Uint8Array<ArrayBuffer>} */ (data))));
}

/**
 * Return the messages that carry a photo: mark, epoch, offset, bytes.
 * @param {number} epoch
 * @param {Uint8Array} data
 */
export function pieces(epoch, data) {
  return Array.from({ length: Math.ceil(data.length / PIECE_BYTES) }, (_, number) => {
    const offset = number * PIECE_BYTES;
    const head = [PIECE_MARK, uintBytes(epoch, 2), uintBytes(offset, 4)];
    return joined(...head, data.subarray(offset, offset + PIECE_BYTES));
  });
}

/** Puts a photo together. Memory is taken only for what has come, never for what was announced. */
export class Assembly {
  /**
   * @param {number} epoch
   * @param {number} length of the whole in bytes
   */
  constructor(epoch, length) {
    this.epoch = epoch;
    this.length = length;
    /** @type {Uint8Array[]} */
    this.parts = [];
    this.came = 0;
  }

  /** Share that has come. */
  get progress() { return this.came / this.length; }

  /**
   * Take a piece and return the photo when it is complete; its hash is the caller's to check.
   * @param {Uint8Array} piece
   */
  add(piece) {
    if (piece.length <= HEAD_BYTES) throw new CorruptPacket(0, "an empty piece");
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    const body = piece.slice(HEAD_BYTES);
    if (view.getUint8(0) !== PIECE_MARK || view.getUint16(1, true) !== this.epoch || view.getUint32(3, true) !== this.came) {
      throw new CorruptPacket(0, "not the next piece of the photo that was announced");
    }
    if (body.length > PIECE_BYTES || this.came + body.length > this.length) {
      throw new CorruptPacket(HEAD_BYTES, "a piece that reaches beyond the photo");
    }
    this.parts.push(body);
    this.came += body.length;
    return this.came < this.length ? null : joined(...this.parts);
  }
}
