// The pictures of a video file at a constant rate, one after the other, by the browser's own decoder.

const ENDLESS = 1e7;  // seconds; further than any video, where one that does not say its length is sent to find out
const LATE = 20_000;  // milliseconds that a picture may take
const SAME = 250;  // milliseconds after which a picture that was sought is the one that is there already
const MOST_SIDE = 1280;  // of what is looked at, pixels

/** A video that was opened. */
export class VideoFrames {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} address
   * @param {number} rate pictures a second
   */
  constructor(video, address, rate) {
    this.video = video;
    this.address = address;
    this.rate = rate;
    this.count = Math.max(1, Math.round(video.duration * rate));
    const { videoWidth: width, videoHeight: height } = video;
    const scale = Math.min(1, MOST_SIDE / Math.max(width, height));
    this.width = Math.round(width * scale);
    this.height = Math.round(height * scale);
  }

  /**
   * Open a file.
   * @param {Blob} file
   * @param {number} rate
   */
  static async open(file, rate) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, preload: "auto", playsInline: true });
    const address = URL.createObjectURL(file);
    try {
      video.src = address;
      await event(video, "loadeddata");
      if (!Number.isFinite(video.duration)) {  // recordings of a camera do not say how long they are
        video.currentTime = ENDLESS;
        await event(video, "seeked");
      }
      if (!video.videoWidth) throw new Error("it has no picture");
      return new VideoFrames(video, address, rate);
    } catch (error) {
      URL.revokeObjectURL(address);
      throw error;
    }
  }

  /**
   * Return picture `number`.
   * @param {number} number
   */
  async at(number) {
    const wanted = Math.min((number + 0.5) / this.rate, Math.max(0, this.video.duration - 0.001));
    if (this.video.currentTime !== wanted) {
      const there = Promise.all([event(this.video, "seeked"), presented(this.video)]);
      this.video.currentTime = wanted;
      await there;
    }
    return createImageBitmap(this.video, { resizeWidth: this.width, resizeHeight: this.height, resizeQuality: "high" });
  }

  /** Let go of the file. */
  close() {
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
  }
}

/**
 * Wait until a video has another picture; not long, because it may be the same one.
 * @param {HTMLVideoElement} video
 * @returns {Promise<void>}
 */
function presented(video) {
  return new Promise((kept) => {
    const handle = video.requestVideoFrameCallback(() => {
      clearTimeout(late);
      kept();
    });
    const late = setTimeout(() => {
      video.cancelVideoFrameCallback(handle);
      kept();
    }, SAME);
  });
}

/**
 * Wait for something to happen to a video.
 * @param {HTMLVideoElement} video
 * @param {string} name
 * @returns {Promise<void>}
 */
function event(video, name) {
  return new Promise((kept, broken) => {
    const end = new AbortController(), { signal } = end;
    const done = (/** @type {() => void} */ then) => () => {
      clearTimeout(late);
      end.abort();
      then();
    };
    const fail = done(() => broken(new Error("this browser cannot read it as a video")));
    const late = setTimeout(fail, LATE);
    video.addEventListener(name, done(kept), { signal });
    video.addEventListener("error", fail, { signal });
  });
}
