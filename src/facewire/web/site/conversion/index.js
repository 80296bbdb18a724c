// From a video, and a photo if there is one, to a .fwv file: everything that other rooms use.

export { convert } from "./convert.js";
export { VideoFrames } from "./video_frames.js";
