// Who may enter a room, and how the two in it know each other (docs/call.md section 7, facewire/transport/invitation.py).
//
//     token, 256 bits, only in the link's fragment
//       admission = HMAC(token, "admission" + room)   shown to the signalling server
//       seal      = HMAC(token, "seal" + message)     over everything that is said through the server

import { hex } from "../codec/bytes.js";
import { FacewireError } from "../codec/errors.js";

const TOKEN_BYTES = 32;
const ROOM = /^[A-Za-z0-9_-]{1,64}$/;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** A text is no invitation. */
export class InvitationError extends FacewireError {}

/** A room on a signalling server and the secret that opens it. */
export class Invitation {
  /**
   * @param {string} server http(s) address of the signalling server, without a slash at the end
   * @param {string} room 1 to 64 letters, digits, - and _
   * @param {string} token 43 characters of base64url, 256 bits
   */
  constructor(server, room, token) {
    const bytes = TOKEN.test(token) ? fromBase64(token) : new Uint8Array();
    if (!ROOM.test(room) || bytes.length !== TOKEN_BYTES) {
      throw new InvitationError("this is no invitation link: paste all of it, with what stands after #");
    }
    this.server = server;
    this.room = room;
    this.token = token;
    this.key = crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);
  }

  /**
   * Return an invitation to a room with a fresh token.
   * @param {string} server
   * @param {string} room
   */
  static create(server, room) {
    return new Invitation(server, room, toBase64(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))));
  }

  /**
   * Return the invitation of a link.
   * @param {string} link
   */
  static parse(link) {
    const address = URL.canParse(link.trim()) ? new URL(link.trim()) : null;
    const fields = new URLSearchParams(address?.hash.slice(1) ?? "");
    const [rooms, tokens] = [fields.getAll("room"), fields.getAll("token")];
    const known = address && /^https?:$/.test(address.protocol);
    if (!known || rooms.length !== 1 || tokens.length !== 1) return new Invitation("", "", "");
    const path = address.pathname.replace(/\/join$/, "").replace(/\/+$/, "");
    return new Invitation(address.origin + path, rooms[0], tokens[0]);
  }

  /** The link to give to the other person; the secret is in the fragment, which browsers send to nobody. */
  get link() { return `${this.server}/join#${new URLSearchParams({ room: this.room, token: this.token })}`; }

  /** Where the signalling server takes websockets for this room. */
  get address() { return `${this.server.replace(/^http/, "ws")}/room/${this.room}`; }

  /** What the signalling server is shown. */
  async admission() { return hex(await this.mac(`admission\0${this.room}`)); }

  /**
   * Return the seal of a text that the one in `seat` says.
   * @param {string} seat
   * @param {string} text
   */
  async seal(seat, text) { return hex(await this.mac(`seal\0${seat}\0${text}`)); }

  /**
   * Say whether the one in `seat`, and nobody else, said this.
   * @param {string} seat
   * @param {string} text
   * @param {string} seal
   */
  async isSealed(seat, text, seal) { return (await this.seal(seat, text)) === seal; }

  /** @param {string} message */
  async mac(message) {
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.key, encode(`facewire 1\0${message}`)));
  }
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text */
function fromBase64(text) {
  const letters = atob(`${text.replaceAll("-", "+").replaceAll("_", "/")}=`);
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}
