// The connection to the other side: one Opus stream and two data channels (facewire/call/meeting/rtc_peer.py).
//
//     sound     -> RTP, Opus with its trailer, which a worker puts on and takes off
//     reliable  -> data channel "facewire", ordered
//     loose     -> data channel "facewire-loose", unordered, never sent again

import { answered, asked, isUsable, slim } from "./descriptions.js";
import { ProtocolError } from "../protocol/wire.js";

const [RELIABLE, LOOSE] = ["facewire", "facewire-loose"];
const MOST_BUFFERED = 2 ** 20;
const LONGEST_MESSAGE = 64 * 1024;
const MOST_EARLY = 64;  // messages that may come before both channels are open

/** True if this browser can put bytes behind sound packets. */
export const TRAILERS = typeof RTCRtpScriptTransform !== "undefined";

/**
 * Who hears of what. `found`: ICE has found a way.
 * @typedef {object} PeerHandlers
 * @property {(packet: import("../call/conversation.js").SoundPacket, at: number) => void} sound
 * @property {(message: string | Uint8Array) => void} reliable
 * @property {(message: Uint8Array) => void} loose
 * @property {() => void} refused
 * @property {(packet: import("../call/conversation.js").LeftPacket, at: number) => void} sent
 * @property {(track: MediaStreamTrack, receiver: RTCRtpReceiver) => void} heard
 * @property {() => void} found
 * @property {() => void} opened
 * @property {() => void} broken
 */

/** One connection attempt and, if it succeeds, the connection. */
export class RtcPeer {
  /**
   * @param {PeerHandlers} handlers
   * @param {MediaStreamTrack} microphone
   * @param {{servers?: RTCIceServer[], patience?: number}} [ways] `patience`: seconds that servers have to answer
   */
  constructor(handlers, microphone, { servers = [], patience = 5 } = {}) {
    this.handlers = handlers;
    this.patience = patience;
    this.closed = this.wasOpen = false;
    /** @type {Map<string, RTCDataChannel>} */
    this.channels = new Map();
    /** @type {(string | Uint8Array)[]} */
    this.early = [];
    const connection = this.connection = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
    connection.ondatachannel = ({ channel }) => this.keep(channel);
    connection.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(connection.connectionState)) this.broke();
    };
    connection.oniceconnectionstatechange = () => {
      if (["connected", "completed"].includes(connection.iceConnectionState) && !this.closed) handlers.found();
    };
    connection.ontrack = ({ track, receiver }) => handlers.heard(track, receiver);
    this.microphone = microphone;
    this.paced = Promise.resolve();
    this.prepared = TRAILERS ? this.startWorker() : Promise.resolve();
  }

  /** Return this side's offer. */
  async offer() {
    await this.prepared;
    this.use(this.connection.addTransceiver("audio", { direction: "sendrecv" }));
    this.keep(this.connection.createDataChannel(RELIABLE));
    this.keep(this.connection.createDataChannel(LOOSE, { ordered: false, maxRetransmits: 0 }));
    await this.connection.setLocalDescription(await this.connection.createOffer());
    return this.described();
  }

  /**
   * Return the answer to an offer.
   * @param {string} offer
   */
  async answer(offer) {
    await this.prepared;
    await this.take("offer", offer);
    const [transceiver] = this.connection.getTransceivers();
    if (!transceiver) throw new ProtocolError("an offer without sound");
    transceiver.direction = "sendrecv";
    this.use(transceiver);
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    return this.described();
  }

  /**
   * Take the answer to the own offer.
   * @param {string} answer
   */
  accept(answer) { return this.take("answer", answer); }

  /** Begin to send sound. */
  speak() { this.sender.replaceTrack(this.microphone); }

  /**
   * Send sound in so many bits a second, in packets of another length.
   * @param {import("../line/steps.js").Step} step
   */
  async pace({ bitRate, packet }) {
    this.paced = this.paced.then(async () => {
      const { connection } = this, theirs = connection.remoteDescription;
      if (this.closed || connection.signalingState !== "stable" || !theirs) return;
      await connection.setLocalDescription(await connection.createOffer());
      await connection.setRemoteDescription({ type: "answer", sdp: answered(theirs.sdp, packet) });
      const parameters = this.sender.getParameters();
      if (parameters.encodings?.length) parameters.encodings[0].maxBitrate = bitRate;
      await this.sender.setParameters(parameters);
    }).catch(() => {});  // then the sound goes on as it was
    await this.paced;
  }

  /**
   * Tell the worker what goes behind the sound.
   * @param {Record<string, any>} message
   */
  beside(message) { this.worker?.postMessage(message); }

  /** @param {string | Uint8Array} message */
  reliable(message) { this.send(RELIABLE, message); }

  /** @param {Uint8Array} message */
  loose(message) { this.send(LOOSE, message); }

  /** Close the connection; no handler is called any more. */
  close() {
    this.closed = true;
    this.connection.close();
    this.worker?.terminate();
  }

  /**
   * Send and receive sound by this transceiver, Opus only, and let the worker see every packet.
   * @param {RTCRtpTransceiver} transceiver
   */
  use(transceiver) {
    this.sender = transceiver.sender;
    const codecs = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
    transceiver.setCodecPreferences?.(codecs.filter(({ mimeType }) => /opus/i.test(mimeType)));
    if (!this.worker) return;
    transceiver.sender.transform = new RTCRtpScriptTransform(this.worker, { way: "out" });
    transceiver.receiver.transform = new RTCRtpScriptTransform(this.worker, { way: "in" });
  }

  /** Start the worker, and wait until it listens: what is handed to it before is lost. */
  startWorker() {
    const worker = this.worker = new Worker(new URL("trailer_worker.js", import.meta.url), { type: "module" });
    return new Promise((resolve, refuse) => {
      worker.onerror = () => refuse(new Error("the worker for sound cannot be loaded"));
      worker.onmessage = ({ data: { type, at, ...packet } }) => {
        if (type === "ready") resolve(undefined);
        else if (this.closed) return;
        else if (type === "packet") this.handlers.sound(packet, at);
        else if (type === "sent") this.handlers.sent(packet, at);
        else this.handlers.refused();
      };
    });
  }

  /**
   * @param {"offer" | "answer"} type
   * @param {string} description
   */
  async take(type, description) {
    if (!isUsable(description)) throw new ProtocolError("a session description that is too long");
    try {
      await this.connection.setRemoteDescription({ type, sdp: asked(description) });
    } catch (error) {
      if (this.closed) throw new Error("the connection was closed while it was built");
      throw new ProtocolError(`a session description that cannot be used (${error.name})`);
    }
  }

  /** Return the own description with the ways to this machine, or with those that were found in time. */
  async described() {
    const { connection } = this;
    if (connection.iceGatheringState !== "complete") {
      await new Promise((resolve) => {
        setTimeout(resolve, 1000 * this.patience);
        connection.addEventListener("icegatheringstatechange", () => {
          if (connection.iceGatheringState === "complete") resolve(undefined);
        });
      });
    }
    if (this.closed || !connection.localDescription) throw new Error("the connection was closed while it was built");
    return slim(connection.localDescription.sdp);
  }

  /** @param {RTCDataChannel} channel */
  keep(channel) {
    if (![RELIABLE, LOOSE].includes(channel.label) || this.channels.has(channel.label)) {
      channel.close();
      return;
    }
    this.channels.set(channel.label, channel);
    channel.binaryType = "arraybuffer";
    channel.onopen = () => this.checkOpen();
    channel.onclose = () => this.broke();
    channel.onmessage = ({ data }) => this.heard(channel.label, typeof data === "string" ? data : new Uint8Array(data));
    this.checkOpen();
  }

  /**
   * @param {string} label
   * @param {string | Uint8Array} message
   */
  heard(label, message) {
    if (this.closed) return;
    if (message.length > LONGEST_MESSAGE || this.early.length >= MOST_EARLY) this.broke();
    else if (label === RELIABLE && !this.wasOpen) this.early.push(message);
    else if (label === RELIABLE) this.handlers.reliable(message);
    else if (typeof message !== "string") this.handlers.loose(message);
  }

  /**
   * @param {string} label
   * @param {string | Uint8Array} message
   */
  send(label, message) {
    const channel = this.channels.get(label);
    if (this.closed || channel?.readyState !== "open") return;
    if (channel.bufferedAmount > MOST_BUFFERED) {
      if (label === RELIABLE) this.broke();
      return;
    }
    channel.send(/** @type {any} */ (message));
  }

  checkOpen() {
    const states = [...this.channels.values()].map(({ readyState }) => readyState);
    if (this.wasOpen || this.closed || states.join() !== "open,open") return;
    this.wasOpen = true;
    this.handlers.opened();
    for (const message of this.early.splice(0)) this.handlers.reliable(message);
  }

  broke() {
    if (this.closed) return;
    this.closed = true;
    this.handlers.broken();
  }
}
