// The queue of renders.

import { byId, make, press, pressed } from "./dom.js";

const TEXTS = { waiting: "waiting", running: "running", paused: "paused", done: "done", failed: "failed", cancelled: "cancelled" };
const ACTIONS = { waiting: ["cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"], done: ["look", "copy", "remove"],
  failed: ["again", "copy", "remove"], cancelled: ["again", "remove"] };
const LABELS = { cancel: "Cancel", pause: "Pause", resume: "Go on", again: "Again", remove: "Remove", look: "Look", copy: "Copy command",
  use: "Use as driver" };

export class Jobs {
  // link: see link.js. told: order(job, action), notice(text)
  constructor(link, told) {
    this.link = link;
    this.told = told;
    this.rows = new Map();
    byId("queue-pause").addEventListener("click", () => told.order(0, pressed(byId("queue-pause")) ? "resume" : "pause"));
    byId("queue-clear").addEventListener("click", () => told.order(0, "remove"));
    byId("result").addEventListener("close", () => byId("result-body").replaceChildren());
  }

  show(jobs, paused) {
    press(byId("queue-pause"), paused);
    byId("queue-pause").textContent = paused ? "Go on" : "Pause";
    byId("no-jobs").hidden = jobs.length > 0;
    byId("queue-clear").disabled = !jobs.some((job) => !["waiting", "running", "paused"].includes(job.state));
    const there = new Set(jobs.map((job) => job.number));
    for (const [number, row] of this.rows) {
      if (!there.has(number)) { row.item.remove(); this.rows.delete(number); }
    }
    for (const job of jobs) this.showOne(job);
  }

  showOne(job) {
    let row = this.rows.get(job.number);
    if (!row) {
      row = { bar: make("progress", { max: 1 }), text: make("p", { class: "soft small" }), buttons: make("div", { class: "row" }) };
      const name = job.output.replace(/^.*[\\/]/, "");
      row.name = name;
      row.item = make("li", { "data-job": job.number }, make("p", { class: "name", title: job.line }, name), row.bar, row.text, row.buttons);
      byId("jobs").prepend(row.item);
      this.rows.set(job.number, row);
    }
    row.bar.value = job.share;
    row.bar.hidden = !["running", "paused"].includes(job.state);
    row.bar.setAttribute("aria-label", `${row.name}: ${job.stage || TEXTS[job.state]}`);
    row.item.dataset.state = job.state;
    row.text.textContent = this.text(job);
    if (row.state === job.state) return;
    if (row.state) byId("job-said").textContent = `${row.name}: ${job.state === "failed" ? `failed, ${job.problem}` : TEXTS[job.state]}`;
    row.state = job.state;
    const drives = job.state === "done" && /\.(mp4|webm|fwv)$/i.test(job.output);
    row.buttons.replaceChildren(...[...ACTIONS[job.state], ...(drives ? ["use"] : [])].map((action) =>
      make("button", { type: "button", class: "small", "aria-label": `${LABELS[action]}: ${row.name}`, click: () => this.act(job, action, row.name) },
        LABELS[action])));
  }

  text(job) {
    if (job.state === "failed") return job.problem;
    if (job.state === "done") return `done in ${job.seconds.toFixed(1)} s: ${job.output}`;
    const share = job.share ? `, ${Math.round(100 * job.share)} %` : "";
    return `${TEXTS[job.state]}${job.stage ? `: ${job.stage}` : ""}${share}`;
  }

  act(job, action, name) {
    if (action === "copy") navigator.clipboard?.writeText(job.line);
    else if (action === "look") this.look(job, name);
    else this.told.order(job.number, action);
  }

  async look(job, name) {
    const first = name.replace("%04d", "0001");
    const blob = await this.link.fetched(`/out/${encodeURIComponent(first)}`);
    const video = /\.(mp4|webm)$/i.test(first);
    if (!blob || !(video || /\.(png|gif)$/i.test(first))) {
      this.told.notice(blob ? `${job.output} is there; it is nothing that a browser shows.` : `${job.output} is not there any more.`);
      return;
    }
    const address = URL.createObjectURL(blob);
    const body = video ? make("video", { src: address, controls: true, loop: true, autoplay: true }) : make("img", { src: address, alt: first });
    byId("result-title").textContent = name;
    byId("result-body").replaceChildren(body);
    byId("result").showModal();
  }
}
