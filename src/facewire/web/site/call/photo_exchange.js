// Source photos on the reliable channel: offered, sent in pieces, put together (facewire/call/conversation).

import { hex, unhex } from "../codec/bytes.js";
import { Assembly, pieces } from "../protocol/pieces.js";
import { ProtocolError } from "../protocol/wire.js";

/**
 * What this side is shown with: coded head crop, its SHA-256, its own motion.
 * @typedef {{picture: Uint8Array, sha256: string, motion: import("../codec/state.js").MotionFrame, avatar: boolean}} OwnSource
 * A photo of the other side that has come whole; its hash is not yet checked.
 * @typedef {{epoch: number, sha256: string, picture: Uint8Array, avatar: boolean}} IncomingPhoto
 */

/** Both directions of one connection. */
export class PhotoExchange {
  /**
   * @param {import("./face_sender.js").FaceSender} sender what offers become epochs of
   * @param {import("./face_receiver.js").FaceReceiver} faces what takes the anchors of the other side's photos
   * @param {IncomingPhoto | null} held the last photo of the other side, from a connection before
   */
  constructor(sender, faces, held) {
    this.sender = sender;
    this.faces = faces;
    this.held = held;
    /** Photos of the other side that want to be prepared. @type {IncomingPhoto[]} */
    this.complete = [];
    /** @type {{photo: Record<string, any>, assembly: Assembly} | null} */
    this.open = null;
  }

  /** Share of the photo that has come, 1 if none is on its way. */
  get progress() { return this.open ? this.open.assembly.progress : 1; }

  /**
   * Offer the own source: return the fields of its head, and its pieces, none if the other side holds them.
   * @param {OwnSource} source
   * @param {string} holds SHA-256 of what the other side holds
   */
  offer({ picture, sha256, motion, avatar }, holds) {
    const { epoch, anchor } = this.sender.offer(motion);
    const held = sha256 === holds;
    const head = { epoch, bytes: picture.length, sha256, anchor: hex(anchor), avatar, held };
    return { head, pieces: held ? [] : pieces(epoch, picture) };
  }

  /**
   * Take the head of a photo.
   * @param {Record<string, any>} photo
   */
  hearHead(photo) {
    if (!photo.held) {
      this.open = { photo, assembly: new Assembly(photo.epoch, photo.bytes) };
      return;
    }
    if (this.held?.sha256 !== photo.sha256) throw new ProtocolError("a photo is called known that is not");
    this.take(photo, this.held.picture);
  }

  /**
   * Take a piece of a photo.
   * @param {Uint8Array} piece
   */
  hearPiece(piece) {
    if (!this.open) throw new ProtocolError("a piece of a photo that was not announced");
    const { photo, assembly } = this.open;
    const picture = assembly.add(piece);
    if (!picture) return;
    this.open = null;
    this.take(photo, picture);
  }

  /**
   * @param {Record<string, any>} photo
   * @param {Uint8Array} picture
   */
  take({ epoch, anchor, sha256, avatar }, picture) {
    this.faces.source(epoch, unhex(anchor));
    this.complete = [...this.complete.slice(-3), { epoch, sha256, picture, avatar }];
  }
}
