// Still pictures without their container: a file around an AV1 key frame again (docs/bitstream.md section 9.1).
//
//   width u16, height u16, key frame -> AVIF file that a browser reads

import { joined } from "./bytes.js";
import { CorruptPacket } from "./errors.js";

const SIDES = 4;  // bytes of width and height

/**
 * Return an AVIF file around a key frame.
 * @param {Uint8Array} bare width, height and the frame
 */
export function avifOf(bare) {
  if (bare.length <= SIDES) throw new CorruptPacket(0, "a picture ends within its size");
  const [width, height] = [bare[0] | bare[1] << 8, bare[2] | bare[3] << 8];
  const frame = bare.subarray(SIDES);
  const head = box("ftyp", text("avif"), u32(0), text("avifmif1miaf"));
  const start = head.length + meta(width, height, frame, 0).length + 8;
  return joined(head, meta(width, height, frame, start), box("mdat", frame));
}

/**
 * The boxes that say what the frame is, and that it starts `start` bytes into the file.
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} frame
 * @param {number} start
 */
function meta(width, height, frame, start) {
  const level = frame.length > 3 ? (frame[2] & 7) << 2 | frame[3] >> 6 : 0;
  const properties = [
    full("ispe", u32(width), u32(height)),
    full("pixi", [3, 8, 8, 8]),
    box("av1C", [0x81, level, 0x0c, 0]),
    box("colr", text("nclx"), [0, 1, 0, 13, 0, 6, 0x80]),
  ];
  const item = joined(u32(0), [0, 1, 0, 0], text("av01"), [0]);
  item[0] = 2;  // the version of the box
  return full("meta",
    full("hdlr", u32(0), text("pict"), new Uint8Array(13)),
    full("pitm", [0, 1]),
    full("iloc", [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1], u32(start), u32(frame.length)),
    full("iinf", [0, 1], box("infe", item)),
    box("iprp", box("ipco", ...properties), full("ipma", u32(1), [0, 1, 4, 1, 2, 0x83, 4])));
}

/**
 * @param {string} kind
 * @param {...ArrayLike<number>} parts
 */
function box(kind, ...parts) {
  const content = joined(...parts);
  return joined(u32(8 + content.length), text(kind), content);
}

/**
 * A box with version and flags 0.
 * @param {string} kind
 * @param {...ArrayLike<number>} parts
 */
function full(kind, ...parts) {
  return box(kind, u32(0), ...parts);
}

/** @param {number} value big endian */
function u32(value) {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

/** @param {string} letters */
function text(letters) {
  return Array.from(letters, (letter) => letter.charCodeAt(0));
}
