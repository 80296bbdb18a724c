// What is done with files of the folder beside rendering: encode, decode, compare, each with its options.

import { byId, make } from "./dom.js";

const TITLES = { encode: "Encode a video as a talk", decode: "Render a talk", compare: "Compare with ordinary codecs" };
const SIDES = [[0, "as usual"], [256, "256"], [512, "512"], [1024, "1024"]];

// Fields of each command: name, text, choices (a list, or number limits, or a check box).
const FIELDS = {
  encode: [
    ["profile", "For", [["file", "a file: smallest"], ["stream", "a stream: every packet stands for itself"], ["raw", "the paper's numbers"]]],
    ["rate", "Motion", [["coarse", "coarse"], ["standard", "standard"], ["fine", "fine"]]],
    ["size", "Side of the pictures", SIDES],
    ["refresh", "Where it fails", [["source", "send another picture"], ["patch", "send a part of one"], ["off", "send nothing"]]],
    ["sound", "With its sound", true],
  ],
  decode: [
    ["source", "Person", "photos"],
    ["kind", "As", [["mp4", "MP4 video"], ["webm", "WebM video"], ["gif", "GIF"]]],
    ["crf", "Quality", [[18, "high"], [10, "best"], [24, "middle"], [30, "small file"]]],
    ["yaw", "Turn, degrees", { min: -45, max: 45, step: 1, value: 0 }],
    ["pitch", "Nod, degrees", { min: -30, max: 30, step: 1, value: 0 }],
  ],
  compare: [
    ["frames", "Frames", [[50, "50: minutes"], [250, "250"], [0, "750: an hour or more"]]],
    ["size", "Side of the pictures", SIDES],
    ["protocol", "Compared as", [["talks", "whole talks"], ["gfvc", "generative face video coding is"]]],
  ],
};

export class Tools {
  // told: say(command, fields), media(), chosen() -> project, notice(text)
  constructor(told) {
    this.told = told;
    for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => this.open(button.dataset.tool));
    byId("tool").addEventListener("close", () => { if (byId("tool").returnValue === "ok") this.send(); });
  }

  open(command) {
    const talks = command === "decode";
    const names = this.told.media().filter((one) => one.sort === (talks ? "motion" : "video")).map((one) => [one.name, one.name]);
    if (!names.length) return this.told.notice(talks ? "Drop a talk first: a .fwv file." : "Drop a video first.");
    this.command = command;
    byId("tool-title").textContent = TITLES[command];
    const rows = [["name", "File", names], ...FIELDS[command]].flatMap((field) => this.row(...field));
    byId("tool-fields").replaceChildren(...rows);
    const { photo, driver } = this.told.chosen();
    const chosen = names.map(([name]) => name).find((name) => name === driver || name === photo);
    if (chosen) byId("tool-name").value = chosen;
    byId("tool").returnValue = "";
    byId("tool").showModal();
  }

  row(name, text, choices) {
    const id = `tool-${name}`;
    return [make("label", { for: id }, text), this.field(id, choices)];
  }

  field(id, choices) {
    if (choices === true) return make("input", { type: "checkbox", id, checked: true });
    if (!Array.isArray(choices) && typeof choices === "object") return make("input", { type: "number", id, ...choices });
    const photos = this.told.media().filter((one) => one.sort === "photo").map((one) => [one.name, one.name]);
    const listed = choices === "photos" ? [["", "the talk's own"], ...photos] : choices;
    return make("select", { id }, ...listed.map(([value, text]) => make("option", { value }, text)));
  }

  send() {
    const value = ([name, , choices]) => {
      const field = byId(`tool-${name}`);
      if (choices === true) return field.checked;
      const number = !Array.isArray(choices) ? typeof choices === "object" : typeof choices[0][0] === "number";
      return number ? Number(field.value) || 0 : field.value;
    };
    const fields = FIELDS[this.command].map((field) => [field[0], value(field)]);
    this.told.say(this.command, { name: byId("tool-name").value, ...Object.fromEntries(fields) });
  }
}
