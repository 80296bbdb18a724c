// Ordinary pictures of the other side, VP8 that the browser decodes; where it cannot, that is said.

const MOST_SIDE = 1024;

/** Decodes what a conversation put together. */
export class PlainVideo {
  constructor() {
    /** The newest picture that was not shown yet. @type {VideoFrame | null} */
    this.newest = null;
    /** @type {VideoDecoder | null} */
    this.decoder = null;
    this.count = 0;
  }

  /** True if this browser can show ordinary video of a call. */
  static get possible() { return typeof VideoDecoder !== "undefined"; }

  /** @param {import("../protocol/video_pieces.js").VideoPieces} pieces */
  take(pieces) {
    for (const { data, alone } of pieces.whole.splice(0)) {
      if (!PlainVideo.possible || !this.isOpen(pieces, alone)) continue;
      this.decoder.decode(new EncodedVideoChunk({ type: alone ? "key" : "delta", timestamp: this.count++, data }));
    }
  }

  /** Return the newest picture once. */
  picture() {
    const picture = this.newest;
    this.newest = null;
    return picture;
  }

  /**
   * @param {import("../protocol/video_pieces.js").VideoPieces} pieces
   * @param {boolean} alone
   */
  isOpen(pieces, alone) {
    if (this.decoder?.state === "configured") return true;
    if (!alone) {
      pieces.failed();
      return false;
    }
    this.decoder = new VideoDecoder({ output: (frame) => this.came(frame), error: () => pieces.failed() });
    this.decoder.configure({ codec: "vp8", optimizeForLatency: true });
    return true;
  }

  /** @param {VideoFrame} frame */
  came(frame) {
    this.newest?.close();
    const fits = frame.displayWidth <= MOST_SIDE && frame.displayHeight <= MOST_SIDE;
    this.newest = fits ? frame : null;
    if (!fits) frame.close();
  }
}
