// Ordinary pictures of the own camera, VP8 that the browser codes, for the moments when synthesis is the wrong tool
// (facewire/call/playout/plain_video.py).

import { videoMessages } from "../protocol/video_pieces.js";

const [RATE, BIT_RATE, MOST_WAITING] = [10, 80_000, 2];

/** Codes the middle square of a camera. */
export class VideoOut {
  /**
   * @param {number} side of the pictures
   * @param {(messages: Uint8Array[]) => void} coded told the messages of each picture
   */
  constructor(side, coded) {
    this.side = side;
    this.coded = coded;
    /** @type {VideoEncoder | null} */
    this.encoder = null;
    this.number = 0;
    this.alone = true;
    this.sentAt = -Infinity;
    /** Of the pictures that are being coded. @type {Map<number, number>} */
    this.captures = new Map();
    this.context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(side, side).getContext("2d"));
  }

  /** True if this browser can code ordinary video. */
  static get possible() { return typeof VideoEncoder !== "undefined"; }

  /** Make the next picture one that stands alone. */
  keyframe() { this.alone = true; }

  /**
   * Code what a camera shows now, unless the last picture was just before.
   * @param {HTMLVideoElement} video
   * @param {number} capture media time, samples
   * @param {number} now seconds
   */
  send(video, capture, now) {
    if (now - this.sentAt < 1 / RATE || (this.encoder?.encodeQueueSize ?? 0) >= MOST_WAITING) return;
    this.sentAt = now;
    const { videoWidth: width, videoHeight: height } = video, square = Math.min(width, height);
    this.context.drawImage(video, (width - square) / 2, (height - square) / 2, square, square, 0, 0, this.side, this.side);
    const frame = new VideoFrame(this.context.canvas, { timestamp: Math.round(1e6 * now) });
    this.captures.set(frame.timestamp, capture);
    this.opened().encode(frame, { keyFrame: this.alone });
    this.alone = false;
    frame.close();
  }

  opened() {
    if (this.encoder?.state === "configured") return this.encoder;
    this.captures = new Map([...this.captures].slice(-1));
    this.alone = true;
    this.encoder = new VideoEncoder({ output: (chunk) => this.out(chunk), error: () => this.keyframe() });
    this.encoder.configure({
      codec: "vp8", width: this.side, height: this.side, bitrate: BIT_RATE, framerate: RATE, latencyMode: "realtime",
    });
    return this.encoder;
  }

  /** @param {EncodedVideoChunk} chunk */
  out(chunk) {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    const capture = this.captures.get(chunk.timestamp) ?? 0;
    this.captures.delete(chunk.timestamp);
    this.coded(videoMessages(this.number, data, chunk.type === "key", capture));
    this.number++;
  }
}
