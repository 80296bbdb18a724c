// From a video element that plays to looks: the newest frame is looked at, those that come meanwhile are left out.

/**
 * Look at the frames of a playing video one after the other, and return what ends that.
 * @param {HTMLVideoElement} video
 * @param {import("./sender.js").FaceSender} sender
 * @param {(look: import("./sender.js").Look, seconds: number) => void} heard told what was seen, and when the frame was
 *   taken on the clock of `performance.now()`, seconds
 * @param {(error: Error) => void} [failed]
 * @param {() => {crop?: boolean}} [wanted] asked before each frame what else of it is wanted
 */
export function follow(video, sender, heard, failed = () => {}, wanted = () => ({})) {
  let ended = false, handle = 0;
  const next = () => { if (!ended) handle = video.requestVideoFrameCallback(came); };
  const came = async (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ { captureTime }) => {
    const seconds = (captureTime ?? now) / 1000;
    try {
      const look = await sender.look(await createImageBitmap(video), seconds, wanted());
      if (!ended) heard(look, seconds);
    } catch (error) {
      if (!ended) failed(/** @type {Error} */ (error));
    }
    next();
  };
  next();
  return () => {
    ended = true;
    video.cancelVideoFrameCallback(handle);
  };
}
