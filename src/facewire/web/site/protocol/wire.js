// Closed sets of JSON messages: a name, fields of known types, limits; anything else is a ProtocolError
// (facewire/base/wire.py).
//
//     {"type": "hello", "version": 1, ...}

import { FacewireError } from "../codec/errors.js";

export const VERSION = 1;
const LONGEST_TEXT = 64 * 1024;

/** The other side broke the rules; the text can be shown. */
export class ProtocolError extends FacewireError {}

/**
 * What a field must be; one that has `otherwise` may be absent.
 * @typedef {{fits: (value: any) => boolean, otherwise?: any}} Field
 * @typedef {Record<string, Field>} Kind
 */

/** The messages that one side may send on one kind of connection. */
export class MessageSet {
  /** @param {Record<string, Kind>} kinds fields by the name that stands in `type` */
  constructor(kinds) { this.kinds = new Map(Object.entries(kinds)); }

  /**
   * Return the text of a message; fields that are left out have their usual values.
   * @param {string} type
   * @param {Record<string, any>} [fields]
   */
  encode(type, fields = {}) { return JSON.stringify({ type, ...this.checked(type, fields) }); }

  /**
   * Return the message of a text.
   * @param {string} text
   * @returns {{type: string} & Record<string, any>}
   */
  parse(text) {
    if (text.length > LONGEST_TEXT) throw new ProtocolError(`a message of ${text.length} characters: at most ${LONGEST_TEXT}`);
    const { type, ...fields } = object(text);
    if (typeof type !== "string" || !this.kinds.has(type)) throw new ProtocolError("a message of an unknown type");
    return { type, ...this.checked(type, fields) };
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} fields
   */
  checked(type, fields) {
    const kind = /** @type {Kind} */ (this.kinds.get(type));
    const wrong = Object.keys(fields).find((name) => !Object.hasOwn(kind, name));
    if (wrong !== undefined) throw misfit(type, wrong.slice(0, 40));
    return Object.fromEntries(Object.entries(kind).map(([name, field]) => {
      const value = Object.hasOwn(fields, name) ? fields[name] : field.otherwise;
      if (value === undefined || !field.fits(value)) throw misfit(type, name);
      return [name, value];
    }));
  }
}

/** @param {string} text */
function object(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new ProtocolError("a message that is not JSON");
  }
  return data && typeof data === "object" && !Array.isArray(data) ? data : {};
}

/**
 * @param {string} type
 * @param {string} field
 */
function misfit(type, field) { return new ProtocolError(`in a message of type ${type}, ${field} is not as it must be`); }

/**
 * A whole number in [low, high].
 * @param {number} low
 * @param {number} high
 * @param {number} [otherwise]
 * @returns {Field}
 */
export function whole(low, high, otherwise) {
  return { fits: (value) => Number.isInteger(value) && low <= value && value <= high, otherwise };
}

/**
 * Hexadecimal digits, lower case, of a length that is allowed.
 * @param {(length: number) => boolean} allowed
 * @param {string} [otherwise]
 * @returns {Field}
 */
export function digits(allowed, otherwise) {
  return { fits: (value) => typeof value === "string" && allowed(value.length) && /^[0-9a-f]*$/.test(value), otherwise };
}

/**
 * A text.
 * @param {number} longest
 * @param {string} [otherwise]
 * @returns {Field}
 */
export function text(longest, otherwise) {
  return { fits: (value) => typeof value === "string" && value.length <= longest, otherwise };
}

/**
 * One of some values.
 * @param {any[]} values
 * @param {any} [otherwise]
 * @returns {Field}
 */
export function oneOf(values, otherwise) { return { fits: (value) => values.includes(value), otherwise }; }
