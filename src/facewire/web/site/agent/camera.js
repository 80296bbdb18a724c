// Camera and microphone of this device.

import { FacewireError } from "../codec/errors.js";

const WANTED = {
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 }, facingMode: "user" },
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
};
const LIGHT_SIDE = 32;
const [DARK, BRIGHT] = [40, 225];  // mean brightness of a picture, 0 to 255

const PROBLEMS = {
  NotAllowedError: "allow camera and microphone for this page, then load it again",
  NotFoundError: "no camera or no microphone was found: connect one, then load the page again",
  NotReadableError: "another program uses the camera or the microphone: close it, then load the page again",
};

/** Camera or microphone cannot be used; the text says what to do. */
export class CameraError extends FacewireError {}

/** One camera with its microphone, shown in a video element. */
export class Camera {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {OffscreenCanvasRenderingContext2D | null} */
    this.small = null;
  }

  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(WANTED);
    } catch (error) {
      throw new CameraError(PROBLEMS[error.name] ?? `camera and microphone cannot be used (${error.name})`);
    }
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {});
  }

  get microphone() { return this.stream.getAudioTracks()[0]; }

  /** @param {boolean} muted */
  mute(muted) { this.microphone.enabled = !muted; }

  /** @param {boolean} off */
  turn(off) { for (const track of this.stream.getVideoTracks()) track.enabled = !off; }

  /** Return the picture that the camera shows now. */
  picture() { return createImageBitmap(this.video); }

  /** Return dark, good, bright, or unknown before the first picture. */
  light() {
    if (!this.video.videoWidth) return "unknown";
    this.small ??= new OffscreenCanvas(LIGHT_SIDE, LIGHT_SIDE).getContext("2d", { willReadFrequently: true });
    this.small.drawImage(this.video, 0, 0, LIGHT_SIDE, LIGHT_SIDE);
    const { data } = this.small.getImageData(0, 0, LIGHT_SIDE, LIGHT_SIDE);
    const mean = data.reduce((sum, value, at) => (at % 4 === 3 ? sum : sum + value), 0) / (3 * LIGHT_SIDE ** 2);
    return mean < DARK ? "dark" : mean > BRIGHT ? "bright" : "good";
  }
}
