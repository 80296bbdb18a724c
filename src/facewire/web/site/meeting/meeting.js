// The way to the other side: the rendezvous, then a connection, as often as the course of the call wants
// (facewire/call/meeting/meeting.py).
//
//     ask -> SignalClient -> seated, the other is here -> connect -> RtcPeer: offer, answer -> opened -> Conversation

import { hex } from "../codec/bytes.js";
import { clock } from "../protocol/clock.js";
import { ProtocolError } from "../protocol/wire.js";
import { RtcPeer } from "./rtc_peer.js";
import { SignalClient } from "./signal_client.js";

const [PATIENCE, LAST_PATIENCE] = [1, 5];  // seconds that STUN and TURN servers have, at first and later
const LAST_WORDS_MS = 100;

/**
 * What a meeting calls. `begin`: a connection is open; return the conversation over it.
 * @typedef {object} MeetingHandlers
 * @property {(event: import("../call/states.js").Event) => void} on
 * @property {(problem: string) => void} explain
 * @property {(phase: string) => void} reached
 * @property {(peer: RtcPeer) => import("../call/conversation.js").Conversation} begin
 * @property {(track: MediaStreamTrack, receiver: RTCRtpReceiver) => void} heard
 * @property {(packet: import("../call/conversation.js").LeftPacket, at: number) => void} sent
 * @property {() => MediaStreamTrack} microphone
 */

/** One side's connection to the other, and what leads to it. */
export class Meeting {
  /**
   * @param {import("../call/states.js").Course} course read only
   * @param {RTCIceServer[]} servers
   * @param {MeetingHandlers} handlers
   */
  constructor(course, servers, handlers) {
    this.course = course;
    this.servers = servers;
    this.handlers = handlers;
    /** @type {import("../call/conversation.js").Conversation | null} */
    this.talk = null;
    /** @type {RtcPeer | null} */
    this.peer = null;
    /** @type {SignalClient | null} */
    this.client = null;
    this.attempt = "";
    this.patience = PATIENCE;
  }

  /** Ask for a new seat next time: it is another room. */
  forgetSeat() {
    this.client = null;
    this.patience = PATIENCE;
  }

  /**
   * Visit the signalling server in `delay` seconds, again with the seat held before.
   * @param {import("../protocol/invitation.js").Invitation} invitation
   * @param {number} delay
   */
  ask(invitation, delay) {
    const before = this.client;
    before?.close();
    clearTimeout(this.timer);
    const current = (/** @type {(...given: any[]) => void} */ act) => (/** @type {any[]} */ ...given) => {
      if (this.client === client) act(...given);
    };
    const client = this.client = new SignalClient(invitation, {
      seated: current(() => this.handlers.on("admitted")),
      other: current((here) => this.handlers.on(here ? "peer here" : "peer gone")),
      heard: current((sealed) => this.hear(sealed)),
      refused: current((reason) => {
        this.handlers.explain(reason);
        this.handlers.on("refused");
      }),
      lost: current(() => {
        if (this.course.state === "joining") this.handlers.explain("the signalling server cannot be reached: check the network");
        this.handlers.on("signal lost");
      }),
    }, before?.key ?? "");
    this.timer = setTimeout(() => client.visit(), 1000 * delay);
  }

  /** Build a new connection: seat a offers and seat b answers. */
  async connect() {
    this.closePeer();
    const { client } = this;
    if (!client) return;
    this.attempt = client.seat === "a" ? hex(crypto.getRandomValues(new Uint8Array(8))) : "";
    if (client.seat !== "a") return;
    const peer = this.peer = this.newPeer();
    await this.tried(peer, async () => {
      const sdp = await peer.offer();
      if (this.peer === peer) client.say({ kind: "offer", attempt: this.attempt, sdp });
    });
  }

  /** Close the connection, if there is one. */
  closePeer() {
    const { peer } = this;
    [this.peer, this.talk] = [null, null];
    peer?.close();
  }

  /** Leave the room for good, and let the last words get out first. */
  leave() {
    const { client, peer } = this;
    clearTimeout(this.timer);
    [this.client, this.peer, this.talk] = [null, null, null];
    setTimeout(() => {
      client?.leave();
      peer?.close();
    }, LAST_WORDS_MS);
  }

  /** @param {Record<string, any>} sealed */
  async hear({ kind, attempt, sdp }) {
    const { client } = this;
    if (!client) return;
    if (kind === "offer" && client.seat === "b" && this.course.state === "connecting") {
      this.closePeer();
      const peer = this.peer = this.newPeer();
      this.attempt = attempt;
      await this.tried(peer, async () => {
        const answer = await peer.answer(sdp);
        if (this.peer !== peer) return;
        this.handlers.reached("descriptions");
        client.say({ kind: "answer", attempt, sdp: answer });
      });
    } else if (kind === "answer" && attempt === this.attempt && this.peer) {
      const { peer } = this;
      this.handlers.reached("descriptions");
      await this.tried(peer, () => peer.accept(sdp));
    }
  }

  /**
   * @param {RtcPeer} peer
   * @param {() => Promise<void>} act
   */
  async tried(peer, act) {
    try {
      await act();
    } catch (error) {
      if (this.peer !== peer) return;
      if (!(error instanceof ProtocolError)) {
        this.handlers.on("broken");
        return;
      }
      this.handlers.explain(error.message);
      this.handlers.on("misfit");
    }
  }

  newPeer() {
    const ofThis = (/** @type {(...given: any[]) => void} */ act) => (/** @type {any[]} */ ...given) => {
      if (this.peer === peer) act(...given);
    };
    const talking = (/** @type {(talk: any, ...given: any[]) => void} */ act) => ofThis((...given) => {
      if (this.talk) act(this.talk, ...given);
    });
    const peer = new RtcPeer({
      sound: talking((talk, packet, at) => talk.hearSound(packet, at)),
      reliable: talking((talk, message) => talk.hearReliable(message, clock())),
      loose: talking((talk, message) => talk.hearLoose(message, clock())),
      refused: talking((talk) => talk.refused++),
      sent: ofThis(this.handlers.sent),
      heard: ofThis(this.handlers.heard),
      found: ofThis(() => this.handlers.reached("ways")),
      opened: ofThis(() => {
        this.patience = PATIENCE;
        this.handlers.reached("secured");
        this.talk = this.handlers.begin(peer);
        this.handlers.on("opened");
      }),
      broken: ofThis(() => this.handlers.on("broken")),
    }, this.handlers.microphone(), { servers: this.servers, patience: this.patience });
    this.patience = LAST_PATIENCE;
    return peer;
  }
}
