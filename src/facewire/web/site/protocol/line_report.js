// What a receiver says of the line to it (docs/call.md section 10), 4 bytes; going alone it may also say how many pictures a
// second its sender draws.

import { CorruptPacket } from "../codec/errors.js";
import { rounded } from "./numbers.js";

export const REPORT_BYTES = 4;
export const LINE_MARK = 0x4c;
export const [LINE_VERSION, DRAWS_VERSION] = [1, 2];
const RUN_SECONDS = 0.02;
const WAIT_SECONDS = 0.008;
const RATE_UNIT = 0.5;
const THIN = 0x80;

/**
 * Share lost, seconds that losses last and that packets wait, kbit/s that came (infinite: not known), thin wanted.
 * @typedef {{loss: number, run: number, wait: number, rate: number, thin: boolean}} LineReport
 */

/**
 * Return the 4 bytes; what does not fit is cut to what does.
 * @param {LineReport} report
 */
export function reportBytes({ loss, run, wait, rate, thin }) {
  const came = rate / RATE_UNIT;
  return Uint8Array.of(
    rounded(255 * Math.min(Math.max(loss, 0), 1)),
    units(run, RUN_SECONDS, 127) | (thin ? THIN : 0),
    units(wait, WAIT_SECONDS, 255),
    came >= 255 ? 255 : Math.max(0, rounded(came)),
  );
}

/**
 * @param {Uint8Array} data
 * @returns {LineReport}
 */
export function parseReport([loss, run, wait, rate]) {
  return {
    loss: loss / 255,
    run: (run & ~THIN) * RUN_SECONDS,
    wait: wait * WAIT_SECONDS,
    rate: rate === 255 ? Infinity : rate * RATE_UNIT,
    thin: Boolean(run & THIN),
  };
}

/**
 * Return the message that carries a report on the channel that may lose.
 * @param {LineReport} report
 * @param {number | null} [draws] pictures a second that this side draws; null: not known
 */
export function aloneBytes(report, draws = null) {
  const [version, more] = draws === null ? [LINE_VERSION, []] : [DRAWS_VERSION, [Math.min(Math.max(draws, 0), 255)]];
  return Uint8Array.of(LINE_MARK, version, ...reportBytes(report), ...more);
}

/**
 * Return the report of such a message, and how many pictures a second its sender draws; later versions may append to it.
 * @param {Uint8Array} message
 * @returns {LineReport & {draws: number | null}}
 */
export function parseAlone(message) {
  if (message.length < 2 + REPORT_BYTES || message[0] !== LINE_MARK || message[1] < LINE_VERSION) {
    throw new CorruptPacket(0, "no report on the line");
  }
  const end = 2 + REPORT_BYTES;
  const draws = message[1] >= DRAWS_VERSION && message.length > end ? message[end] : null;
  return { ...parseReport(message.subarray(2, end)), draws };
}

/**
 * @param {number} seconds
 * @param {number} unit
 * @param {number} most
 */
function units(seconds, unit, most) { return Math.min(most, Math.max(0, rounded(seconds / unit))); }
