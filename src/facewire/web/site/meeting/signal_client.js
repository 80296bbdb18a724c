// A page's end of the rendezvous: takes a seat, says and hears sealed texts (facewire/call/meeting/signal_client.py).

import { FacewireError } from "../codec/errors.js";
import { FROM_SERVER, SEALED, TO_SERVER } from "../protocol/signal_messages.js";

const CONNECT_MS = 8000;
const REFUSED = "the signalling server cannot be understood";

/**
 * Who hears of what.
 * @typedef {object} SignalHandlers
 * @property {(seat: string) => void} seated
 * @property {(here: boolean) => void} other
 * @property {(sealed: Record<string, any>) => void} heard
 * @property {(reason: string) => void} refused
 * @property {() => void} lost
 */

/** One visit to the rendezvous. Every way in which it ends calls one handler; being closed calls none. */
export class SignalClient {
  /**
   * @param {import("../protocol/invitation.js").Invitation} invitation
   * @param {SignalHandlers} handlers
   * @param {string} key of the seat held before, or ""
   */
  constructor(invitation, handlers, key = "") {
    this.invitation = invitation;
    this.handlers = handlers;
    this.key = key;
    this.seat = "";
    this.over = false;
    /** Sealing takes a moment; what is said and heard keeps its order. */
    this.said = Promise.resolve();
    this.heard = Promise.resolve();
  }

  /** Visit the server. */
  visit() {
    this.socket = new WebSocket(this.invitation.address);
    this.timer = setTimeout(() => this.ended(() => this.handlers.lost()), CONNECT_MS);
    this.socket.onopen = async () => {
      clearTimeout(this.timer);
      this.put("enter", { admission: await this.invitation.admission(), key: this.key });
    };
    this.socket.onmessage = ({ data }) => { this.heard = this.heard.then(() => this.hear(data)); };
    this.socket.onclose = () => { this.heard = this.heard.then(() => this.ended(() => this.handlers.lost())); };
  }

  /**
   * Say something to the other side, sealed.
   * @param {Record<string, any>} sealed
   */
  say(sealed) {
    const body = SEALED.encode("sealed", sealed);
    this.said = this.said.then(async () => this.put("say", { body, seal: await this.invitation.seal(this.seat, body) }));
  }

  /** Give the seat up. */
  leave() {
    this.put("leave");
    this.close();
  }

  /** End the visit; the seat is kept for a while. */
  close() { this.ended(() => {}); }

  /** @param {any} data */
  async hear(data) {
    if (this.over) return;
    try {
      const message = FROM_SERVER.parse(String(data));
      if (message.type === "refused") this.ended(() => this.handlers.refused(message.reason));
      else if (message.type === "other") this.handlers.other(message.here);
      else if (message.type === "say") await this.hearSealed(message);
      else this.sit(message);
    } catch (error) {
      if (!(error instanceof FacewireError)) throw error;
      this.ended(() => this.handlers.refused(`${REFUSED}: ${error.message}`));
    }
  }

  /** @param {Record<string, any>} message */
  sit({ seat, key }) {
    Object.assign(this, { seat, key });
    this.handlers.seated(seat);
  }

  /**
   * Pass on what the other seat sealed; anything else is dropped: the server may say what it likes.
   * @param {Record<string, any>} message
   */
  async hearSealed({ body, seal }) {
    const other = this.seat === "a" ? "b" : "a";
    if (!(await this.invitation.isSealed(other, body, seal)) || this.over) return;
    let sealed;
    try {
      sealed = SEALED.parse(body);
    } catch {
      return;
    }
    this.handlers.heard(sealed);
  }

  /** @param {() => void} tell */
  ended(tell) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.socket?.close();
    tell();
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} [fields]
   */
  put(type, fields) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(TO_SERVER.encode(type, fields));
  }
}
