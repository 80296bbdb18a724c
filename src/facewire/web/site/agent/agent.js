// What the agent of `facewire call` does, in the page: camera and networks, the course of the call, what is shown
// (facewire/call/agent.py).

import { Conversation, SILENCE_SECONDS, VIDEO } from "../call/conversation.js";
import { Course } from "../call/states.js";
import { hex } from "../codec/bytes.js";
import { FacewireError } from "../codec/errors.js";
import { follow } from "../face/index.js";
import { QUICK } from "../line/steering.js";
import { RICH, STEPS } from "../line/steps.js";
import { Meeting } from "../meeting/meeting.js";
import { TRAILERS } from "../meeting/rtc_peer.js";
import { difference, judge } from "../person/judge.js";
import { ModeKeeper } from "../person/modes.js";
import { Performer } from "../person/performer.js";
import { TheirPhotos } from "../person/photos.js";
import { clock } from "../protocol/clock.js";
import { DrawingPace } from "./drawing_pace.js";
import { Painter } from "./painter.js";
import { PlainVideo } from "./plain_video.js";
import { VideoOut } from "./video_out.js";

const [WATCH_MS, SHOW_MS, METER_SECONDS, CHECK_SECONDS, PREVIEW_SECONDS] = [50, 10, 1, 1, 0.3];
const AGAIN_SECONDS = 2;
const [JUDGE_SECONDS, RENDER_EVERY] = [0.5, 4];  // every fourth judgement looks at the rendered picture, too
const MOST_RENDER_SECONDS = 0.2;  // unless that takes longer than this
const AT_REST = ["idle", "joining", "waiting", "ended"];
const MODES = ["synthesis", "video", "off"];

/**
 * Everything that an agent is made of.
 * @typedef {object} Parts
 * @property {import("./camera.js").Camera} camera
 * @property {import("../face/index.js").FaceSender} sender
 * @property {import("../render/index.js").Renderer} renderer
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLAudioElement} audio
 * @property {Record<string, any>} manifest
 * @property {import("../codec/tables.js").CodecTables} tables
 * @property {RTCIceServer[]} servers
 * @property {(type: string, fields: Record<string, any>) => void} tell what the page shows
 */

/** One side of a call. */
export class Agent {
  /** @param {Parts} parts */
  constructor(parts) {
    this.camera = parts.camera;
    this.sender = parts.sender;
    this.audio = parts.audio;
    this.tell = parts.tell;
    const side = parts.manifest.resolution;
    this.performer = new Performer(parts.sender, parts.renderer, side);
    this.theirs = new TheirPhotos(parts.renderer, side);
    this.painter = new Painter(parts.canvas, parts.renderer, side);
    this.drawing = new DrawingPace();
    this.video = new PlainVideo();
    this.keeper = new ModeKeeper();
    this.keeper.allowed = VideoOut.possible;
    this.videoOut = new VideoOut(side, (messages) => this.meeting.talk?.picture(messages, clock()));
    this.judged = 0;
    this.judgements = 0;
    this.reflecting = false;
    /** How different the rendered picture looked last. @type {number | null} */
    this.distance = null;
    this.course = new Course(clock());
    this.meeting = new Meeting(this.course, parts.servers, {
      on: (event) => this.on(event),
      explain: (problem) => { this.problem = problem; },
      reached: (phase) => this.reached(phase),
      begin: (peer) => this.begin(peer),
      heard: (track, receiver) => this.play(track, receiver),
      sent: (packet, at) => this.meeting.talk?.soundLeft(packet, at),
      microphone: () => this.camera.microphone,
    });
    this.party = {
      model: parts.manifest.weights.slice(0, 16),
      tables: parts.tables,
      tableHash: hex(parts.tables.fingerprint),
      size: side,
      shows: side,
      trailer: TRAILERS,
      thin: false,
    };
    this.problem = "";
    this.look = null;
    this.show = null;
    this.pace = STEPS[RICH];
    this.metered = 0;
    this.checked = 0;
    this.previewed = 0;
    this.aloneSince = 0;
    /** Seconds from joining to each phase. @type {Record<string, number>} */
    this.phases = {};
    this.began = 0;
    this.clockAt = 0;
    this.painting = false;
    this.preparing = false;
    /** @type {import("../protocol/invitation.js").Invitation | null} */
    this.invitation = null;
    /** @type {(RTCRtpReceiver & {jitterBufferTarget?: number | null}) | null} */
    this.receiver = null;
  }

  /** Begin to see, show and watch. */
  start() {
    const wanted = () => ({ crop: this.compares(clock()) });
    follow(this.camera.video, this.sender, (look, seconds) => this.see(look, seconds), (error) => this.failed(error), wanted);
    setInterval(() => this.watch(), WATCH_MS);
    this.showAll();
  }

  // What the user does.

  /** Use what the camera shows now as picture of this side. */
  async take() {
    const source = await this.performer.take(await this.camera.picture(), performance.now() / 1000);
    this.distance = null;
    this.meeting.talk?.newSource(source);
    if (AT_REST.includes(this.course.state)) this.preview(source.motion, clock());
  }

  /** @param {import("../protocol/invitation.js").Invitation} invitation */
  join(invitation) {
    if (AT_REST.includes(this.course.state)) {
      if (invitation.link !== this.invitation?.link) this.meeting.forgetSeat();
      [this.invitation, this.problem, this.began, this.phases] = [invitation, "", clock(), {}];
      this.theirs.forget();
    }
    this.on("join");
  }

  hangUp() { this.on("hang up"); }

  /** @param {boolean} off */
  turnCamera(off) {
    this.keeper.cameraOff = off;
    this.camera.turn(off);
    this.meeting.talk?.setMode(this.keeper.mode);
  }

  /** @param {boolean} allowed whether ordinary video may be sent where synthesis does not fit */
  allowVideo(allowed) {
    this.keeper.allowed = allowed && VideoOut.possible;
    this.meeting.talk?.setMode(this.keeper.mode);
  }

  get cameraOff() { return this.keeper.cameraOff; }

  /** @param {boolean} thin */
  wantThin(thin) {
    this.party.thin = thin;
    this.meeting.talk?.wantThin(thin);
  }

  // The course of the call.

  /** @param {import("../call/states.js").Event} event */
  on(event) {
    const { talk } = this.meeting;
    const action = this.course.on(event, clock());
    if (event === "admitted") this.aloneSince = clock();
    if (action === "ask") this.meeting.ask(this.invitation, 0);
    else if (action === "connect") this.connect();
    else if (action === "greet") talk.greet();
    else if (action === "start") this.startTalk(talk);
    else if (action === "drop") this.meeting.closePeer();
    else if (action === "again") this.again();
    else if (action === "finish") this.finish(event);
    this.tellCourse();
  }

  /** Connect; the time in which nobody else was there is no part of setting up. */
  connect() {
    if (this.aloneSince) this.began += clock() - this.aloneSince;
    this.aloneSince = 0;
    this.meeting.connect();
  }

  /** @param {import("../meeting/rtc_peer.js").RtcPeer} peer */
  begin(peer) {
    const talk = new Conversation(this.party, this.performer.source, {
      reliable: (message) => peer.reliable(message),
      loose: (message) => peer.loose(message),
      source: (motion) => peer.beside({ type: "source", motion, tables: this.party.tables }),
      confirmed: (number) => peer.beside({ type: "confirmed", number }),
      standing: (standing) => peer.beside({ type: "standing", ...standing }),
      face: (face) => peer.beside({ type: "face", ...face }),
      report: (report) => peer.beside({ type: "report", report }),
    }, clock(), this.theirs.newest);
    talk.setMode(this.keeper.mode);
    [this.show, this.pace] = [null, STEPS[RICH]];
    return talk;
  }

  /** @param {Conversation} talk */
  startTalk(talk) {
    talk.live = true;
    this.meeting.peer.speak();
    this.reached("photos");
  }

  again() {
    this.meeting.closePeer();
    this.meeting.ask(this.invitation, AGAIN_SECONDS);
  }

  /** @param {import("../call/states.js").Event} event */
  finish(event) {
    const { talk } = this.meeting;
    if (event === "hang up") talk?.hangUp();
    if (event === "misfit") talk?.hangUp(talk.problem);
    if (event === "bye") this.problem = "the other side hung up";
    this.meeting.leave();
    this.theirs.forget();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {RTCRtpReceiver} receiver
   */
  play(track, receiver) {
    this.receiver = receiver;
    this.audio.srcObject = new MediaStream([track]);
    this.audio.play().catch(() => this.tell("silent", {}));
  }

  /** @param {string} phase */
  reached(phase) {
    if (this.phases[phase] === undefined) this.phases[phase] = clock() - this.began;
  }

  // What goes on all the time.

  /**
   * @param {import("../face/sender.js").Look} look
   * @param {number} seconds when it was taken, on the clock of the page
   */
  see(look, seconds) {
    const { talk } = this.meeting;
    const frame = this.cameraOff ? null : this.performer.frame(look);
    const now = clock(), taken = seconds + performance.timeOrigin / 1000;
    this.look = look;
    if (talk?.live && !this.cameraOff) {
      this.reflect(look, frame, now).catch((error) => this.failed(error));
      this.sendVideo(talk, talk.mediaTime(taken), now);
    }
    if (!frame) return;
    talk?.motion(frame, taken, now);
    if (AT_REST.includes(this.course.state)) this.preview(frame, now);
  }

  /**
   * Decide now and then whether synthesis is the right tool.
   * @param {import("../face/sender.js").Look} look
   * @param {import("../codec/state.js").MotionFrame | null} frame
   * @param {number} now
   */
  async reflect(look, frame, now) {
    if (this.reflecting || now - this.judged < JUDGE_SECONDS) return;
    [this.reflecting, this.judged] = [true, now];
    this.judgements++;
    try {
      const faces = await this.sender.count(await this.camera.picture());
      if (look.crop && frame) this.distance = await this.differs(look.crop, frame);
      else if (!frame || this.isSlow) this.distance = null;
      this.keeper.hear(judge(look, faces, this.distance), now);
    } finally {
      this.reflecting = false;
    }
  }

  /**
   * Say whether the next judgement looks at the rendered picture, if this machine renders quickly.
   * @param {number} now
   */
  compares(now) {
    const { talk } = this.meeting;
    if (!talk?.live || this.isSlow) return false;
    return this.judgements % RENDER_EVERY === 0 && now - this.judged >= JUDGE_SECONDS;
  }

  get isSlow() { return (this.meeting.talk?.playout.renderSeconds ?? 0) > MOST_RENDER_SECONDS; }

  /**
   * @param {Uint8Array} crop
   * @param {import("../codec/state.js").MotionFrame} frame
   */
  async differs(crop, frame) {
    const { pixels } = await this.performer.preview(frame);
    return difference(crop, pixels, this.performer.side);
  }

  /**
   * @param {Conversation} talk
   * @param {number} capture
   * @param {number} now
   */
  sendVideo(talk, capture, now) {
    talk.setMode(this.keeper.mode);
    if (talk.mode !== VIDEO) return;
    if (talk.wantsKeyframe) this.videoOut.keyframe();
    talk.wantsKeyframe = false;
    this.videoOut.send(this.camera.video, capture, now);
  }

  /**
   * Before a call, show the user their own face as others will see it.
   * @param {import("../codec/state.js").MotionFrame} frame
   * @param {number} now
   */
  preview(frame, now) {
    if (this.painting || now - this.previewed < PREVIEW_SECONDS) return;
    this.previewed = now;
    this.paint(this.performer.person, frame, false);
  }

  async showAll() {
    for (;;) {
      await new Promise((resolve) => { setTimeout(resolve, SHOW_MS); });
      const { talk } = this.meeting;
      if (!talk?.live || this.painting) continue;
      if (await this.showVideo(talk)) continue;
      this.tryDrawing(talk).catch((error) => this.failed(error));
      const due = talk.due(clock());
      const show = due ?? (this.painter.view.moving ? this.show : null);
      const person = show && this.theirs.person(show.epoch);
      if (person === null || person === undefined) continue;
      this.show = show;
      const took = await this.paint(person, show.motion, true);
      if (took === null) continue;
      talk.playout.rendered(took);
      talk.meters.received.frames.add(clock());
      this.reached("face");
    }
  }

  /**
   * While ordinary video is shown, see now and then how quickly this device would draw.
   * @param {Conversation} talk
   */
  async tryDrawing(talk) {
    const person = MODES[talk.theirMode] === "video" && this.show ? this.theirs.person(this.show.epoch) : null;
    if (person === null || person === undefined || !this.drawing.due(clock(), QUICK)) return;
    this.drawing.drew(await this.painter.time(person, this.show.motion));
  }

  /** @param {Conversation} talk */
  async showVideo(talk) {
    this.video.take(talk.video);
    const picture = this.video.picture();
    if (!picture) return false;
    if (MODES[talk.theirMode] !== "video") {
      picture.close();
      return false;
    }
    this.painter.show(picture);
    talk.meters.received.frames.add(clock());
    return true;
  }

  /**
   * @param {number} person
   * @param {import("../codec/state.js").MotionFrame} frame
   * @param {boolean} turned
   */
  async paint(person, frame, turned) {
    this.painting = true;
    try {
      const took = await this.painter.draw(person, frame, turned);
      this.drawing.drew(took);
      this.tell("drawn", {});
      return took;
    } catch (error) {
      this.failed(error);
      return null;
    } finally {
      this.painting = false;
    }
  }

  watch() {
    const now = clock(), { talk } = this.meeting;
    if (talk) this.lookAfter(talk, now);
    if (this.course.isOverdue(now)) {
      if (this.course.state === "joining") this.problem = "the signalling server does not answer: check the network";
      this.on("timeout");
    }
    if (now - this.checked >= CHECK_SECONDS) {
      this.checked = now;
      this.tellCheck();
    }
    if (talk?.live && now - this.metered >= METER_SECONDS) {
      this.metered = now;
      this.tellMeters(talk, now);
    }
  }

  /**
   * @param {Conversation} talk
   * @param {number} now
   */
  lookAfter(talk, now) {
    talk.line.draws = this.drawing.perSecond;
    this.keeper.hearDraws(talk.line.theirDraws(now));
    talk.tick(now);
    if (!TRAILERS) this.hearClock(talk, now);
    this.prepareNext(talk);
    for (const event of talk.events()) {
      if (event === "misfit") this.problem = talk.problem;
      this.on(event);
    }
    if (this.meeting.talk !== talk) return;
    if (this.course.state === "live" && talk.silentFor(now) > SILENCE_SECONDS) this.on("broken");
    if (talk.live && talk.line.step !== this.pace) this.meeting.peer?.pace(this.pace = talk.line.step);
    if (this.receiver && "jitterBufferTarget" in this.receiver) this.delaySound(talk);
    const state = { mode: MODES[talk.theirMode], avatar: talk.theirAvatar, shown: talk.theirMode !== 1 || PlainVideo.possible };
    this.tell("remote", state);
    const { step, reason, protection } = talk.line;
    const plain = talk.mode === VIDEO;
    const why = plain ? this.keeper.why.join(", ") : reason;
    this.tell("line", { plain, step: plain ? "ordinary video" : step.name, why, protection });
    this.tellCourse();
  }

  /**
   * Where sound cannot be looked at on its way, learn its clock from what was played last.
   * @param {Conversation} talk
   * @param {number} now
   */
  hearClock(talk, now) {
    const timestamp = this.receiver?.getSynchronizationSources()[0]?.rtpTimestamp;
    if (timestamp === undefined || timestamp === this.clockAt) return;
    this.clockAt = timestamp;
    talk.hearSound({ timestamp, samples: 960, bytes: 0, message: null }, now);
  }

  /**
   * Let sound wait for the picture that belongs to it.
   * @param {Conversation} talk
   */
  delaySound(talk) {
    if (!talk.live || talk.playout.base === null) return;
    this.receiver.jitterBufferTarget = Math.min(1000, Math.max(0, Math.round(100 * talk.playout.delay) * 10));
  }

  /** @param {Conversation} talk */
  async prepareNext(talk) {
    if (this.preparing || !talk.exchange.complete.length) return;
    this.preparing = true;
    const photo = talk.exchange.complete.shift();
    try {
      await this.theirs.prepare(photo);
      if (this.meeting.talk === talk) talk.photoPrepared(photo);
    } catch (error) {
      if (!(error instanceof FacewireError)) this.failed(error);
      else if (this.meeting.talk === talk) talk.photoSpoilt(error.message);
    } finally {
      this.preparing = false;
    }
  }

  // What the page is told.

  tellCourse() {
    const { state } = this.course, { talk } = this.meeting;
    this.tell("course", {
      state,
      link: state === "waiting" ? this.invitation.link : "",
      problem: state === "ended" ? this.problem : "",
      progress: talk?.exchange.progress ?? 1,
    });
  }

  tellCheck() {
    const seen = !this.cameraOff && this.camera.video.videoWidth > 0;
    this.tell("check", {
      picture: seen,
      off: this.cameraOff,
      light: seen ? this.camera.light() : "unknown",
      face: seen && (this.look?.presence ?? 0) > 0.5,
      photo: this.performer.source !== null,
    });
  }

  /**
   * @param {Conversation} talk
   * @param {number} now
   */
  tellMeters(talk, now) {
    const [out, come] = talk.photoBytes.map((bytes) => bytes / 1000);
    this.tell("meters", {
      sent: { ...talk.meters.sent.said(now), photos: out },
      received: { ...talk.meters.received.said(now), photos: come },
      roundTrip: talk.sender.roundTrip,
      loss: talk.line.meter.loss,
      delay: talk.playout.delay,
      phases: this.phases,
    });
  }

  /** @param {Error} error */
  failed(error) { this.tell("failure", { problem: error.message }); }
}
