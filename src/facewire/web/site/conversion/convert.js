// A video becomes a talk: a picture once, then the motion of every frame, and the sound (facewire/talks/encoder.py).
//
//     frames -> looked at, one after the other -> motions, held where no face is seen
//     photo, or the first frame with a face    -> source picture and its own motion
//     motions (of another person: relative to the frame most like the photo) -> codec -> .fwv

import { FILE, MIME_TYPES, TalkWriter, talkHeader } from "../codec/index.js";
import { crop, cropBoxOf, pictureOf } from "../face/index.js";
import { bestReference, frameOf, medianMotion, relative } from "../motion/index.js";
import { pixelsOf } from "../stills.js";

const GROUP_SECONDS = 10;  // length of a group: how far apart the points to start from lie
const QUALITY = 0.9;  // of the source picture
const MOST_SOUND = 4096;  // packets in a section

/**
 * @typedef {import("../motion/head_motion.js").HeadMotion} HeadMotion
 * @typedef {import("../face/sender.js").FaceSender} FaceSender
 * @typedef {import("../face/sender.js").Look} Look
 * @typedef {import("../sound/encode.js").EncodedSound} EncodedSound
 */

/**
 * What is told while a video is converted: number of the frame, and what was seen in it.
 * @typedef {(number: number, look: Look, picture: ImageBitmap) => void} Watch
 */

/**
 * Return the bytes of a .fwv file.
 * @param {object} of
 * @param {import("./video_frames.js").VideoFrames} of.frames
 * @param {FaceSender} of.sender that does not smooth
 * @param {import("../codec/tables.js").CodecTables} of.tables
 * @param {{weights: string, keypoints: number, resolution: number}} of.networks
 * @param {Blob | null} of.photo the person to be shown; null: the one in the video
 * @param {EncodedSound | null} of.sound
 * @param {Watch} of.watch
 * @param {AbortSignal} of.signal ends it
 */
export async function convert({ frames, sender, tables, networks, photo, sound, watch, signal }) {
  const shown = photo && await headOf(photo, sender, networks.resolution);
  const { motions, first } = await motionsOf(frames, sender, watch, signal);
  const head = shown ?? first;
  const still = await stillOf(head, networks.resolution);
  const { motion: own, presence } = await sender.read(still.pixels);
  if (presence < 0.5) throw new Error("the face in the picture cannot be read: take one that is larger and seen from the front");
  const rest = motions[shown ? bestReference(motions, own) : medianMotion(motions)];
  const moved = shown ? motions.map((motion) => relative(motion, rest, own)) : motions;
  return written({ frames, tables, networks, still, own, rest: shown ? own : rest, moved, sound });
}

/**
 * Return the head crop of a photo.
 * @param {Blob} photo
 * @param {FaceSender} sender
 * @param {number} side
 */
async function headOf(photo, sender, side) {
  const bitmap = await createImageBitmap(photo).catch(() => null);
  if (!bitmap) throw new Error("this browser cannot read the photo");
  const picture = pictureOf(bitmap);
  const [face] = await sender.find(new ImageData(/** @type {any} */ (picture.data), picture.width, picture.height));
  if (!face) throw new Error("the photo shows no face");
  return crop(picture, cropBoxOf([face.box], picture.width, picture.height), side);
}

/**
 * Return the motion of every frame, where no face is seen the one before, and the head crop of the first face.
 * @param {import("./video_frames.js").VideoFrames} frames
 * @param {FaceSender} sender
 * @param {Watch} watch
 * @param {AbortSignal} signal
 */
async function motionsOf(frames, sender, watch, signal) {
  /** @type {(HeadMotion | null)[]} */
  const seen = [];
  let first = null;
  await sender.reset();
  for (let number = 0; number < frames.count; number++) {
    signal.throwIfAborted();
    const picture = await frames.at(number);
    const look = await sender.look(await createImageBitmap(picture), number / frames.rate, { crop: !first });
    if (look.motion) first ??= look.crop;
    seen.push(look.motion);
    watch(number, look, picture);
    picture.close();
  }
  const begin = seen.find((motion) => motion);
  if (!begin || !first) throw new Error("no frame of the video shows a face that can be read");
  let held = begin;
  return { motions: seen.map((motion) => (held = motion ?? held)), first };
}

/**
 * Return a head crop as a picture file, and its pixels as a receiver decodes them.
 * @param {Uint8Array} head RGB
 * @param {number} side
 */
async function stillOf(head, side) {
  const canvas = new OffscreenCanvas(side, side), image = new ImageData(side, side);
  for (let from = 0, to = 0; from < head.length; from += 3, to += 4) {
    image.data.set([head[from], head[from + 1], head[from + 2], 255], to);
  }
  /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: QUALITY });  // a browser without it makes PNG
  const bitmap = await createImageBitmap(blob);
  const pixels = pixelsOf(bitmap, side);
  bitmap.close();
  return { pixels, mime: MIME_TYPES.indexOf(blob.type), picture: new Uint8Array(await blob.arrayBuffer()) };
}

/**
 * @param {object} of
 * @param {{count: number, rate: number}} of.frames
 * @param {import("../codec/tables.js").CodecTables} of.tables
 * @param {{weights: string, keypoints: number, resolution: number}} of.networks
 * @param {{mime: number, picture: Uint8Array}} of.still
 * @param {HeadMotion} of.own
 * @param {HeadMotion} of.rest
 * @param {HeadMotion[]} of.moved
 * @param {EncodedSound | null} of.sound
 */
function written({ frames: { rate }, tables, networks, still, own, rest, moved, sound }) {
  const header = talkHeader(FILE, tables, {
    weightsSha256: Uint8Array.from(/** @type {string[]} */ (networks.weights.match(/../g)), (two) => parseInt(two, 16)),
    size: [networks.resolution, networks.resolution],
    fps: [rate, 1],
    keypoints: networks.keypoints,
    references: true,
  });
  const group = GROUP_SECONDS * rate, writer = new TalkWriter(header, tables, { group });
  writer.source(frameOf(own), still.picture, still.mime);
  if (sound) writer.audioHead({ channels: sound.channels, preSkip: sound.preSkip, rate: sound.rate });
  writer.reference(frameOf(rest));
  let sent = 0;
  for (const [number, motion] of moved.entries()) {
    if (sound && ((number + 1) % group === 0 || number + 1 === moved.length)) {
      sent = sounded(writer, sound, sent, (number + 1) / rate);
    }
    writer.frame(frameOf(motion));
  }
  return writer.finish();
}

/**
 * Write the sound that is heard before `seconds`, and return how many packets are written then.
 * @param {TalkWriter} writer
 * @param {EncodedSound} sound
 * @param {number} sent
 * @param {number} seconds
 */
function sounded(writer, { packets, samples, preSkip }, sent, seconds) {
  const end = Math.min(packets.length, Math.ceil((seconds * 48_000 + preSkip) / samples));
  for (let at = sent; at < end; at += MOST_SOUND) {
    writer.audio({ time: at * samples, packets: packets.slice(at, Math.min(at + MOST_SOUND, end)) });
  }
  return Math.max(sent, end);
}
