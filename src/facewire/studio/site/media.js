// What lies in the folder, what is dropped, and the webcam.

import { byId, make, press, pressed } from "./dom.js";

const CAMERA = { video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } } };
const CAMERA_MS = 45;
const PICTURES = /\.(jpe?g|png|webp|avif|bmp|tiff?)$/i;
const VIDEOS = /\.(mp4|mov|m4v|mkv|webm|avi|mpe?g|m?ts|wmv|ogv)$/i;

export class Media {
  // link: see link.js. told: photo(name), driver(name), webcam(on, again), notice(text), working(text)
  constructor(link, told) {
    this.link = link;
    this.told = told;
    this.media = [];
    this.thumbnails = new Map();
    this.watch();
  }

  watch() {
    byId("files").addEventListener("change", (event) => { this.take([...event.target.files]); event.target.value = ""; });
    document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("over");
      this.take([...event.dataTransfer.files]);
    });
    byId("webcam").addEventListener("click", () => this.camera(!pressed(byId("webcam"))));
    byId("rest").addEventListener("click", () => this.told.webcam(true, true));
  }

  async take(files) {
    const pictures = (file) => PICTURES.test(file.name);
    for (const file of files.sort((a, b) => pictures(b) - pictures(a))) {
      try {
        const name = await this.link.put(file, (share) => this.told.working(`taking ${file.name}`, share));
        const changed = !this.chosen?.photo && VIDEOS.test(name);  // a video that comes first is what is changed
        this.told[PICTURES.test(name) || changed ? "photo" : "driver"](name);
      } catch (problem) {
        this.told.notice(problem.message);
      }
      this.told.working("");
    }
  }

  show(media) {
    this.media = media;
    const photos = media.filter((one) => one.sort === "photo" || VIDEOS.test(one.name));
    const drivers = media.filter((one) => one.sort !== "photo");
    byId("photos").replaceChildren(...photos.map((one) => this.item(one, "photo")));
    byId("drivers").replaceChildren(...drivers.map((one) => this.item(one, "driver")));
    byId("no-photos").hidden = photos.length > 0;
    byId("no-drivers").hidden = drivers.length > 0;
    this.mark();
  }

  item(medium, kind) {
    const button = make("button", { type: "button", class: "medium", "data-kind": kind, "data-name": medium.name, title: medium.name,
      click: () => this.told[kind](kind === "driver" && pressed(button) ? "" : medium.name) },
      make("span", { class: "thumb", "aria-hidden": "true" }, medium.sort === "motion" ? "∿" : ""), make("span", { class: "name" }, medium.name));
    if (medium.sort !== "motion") this.thumbnail(medium, button.querySelector(".thumb"));
    return make("li", {}, button);
  }

  async thumbnail(medium, place) {
    const key = `${medium.name} ${medium.bytes}`;
    if (!this.thumbnails.has(key)) {
      const blob = await this.link.fetched(`/thumb/${encodeURIComponent(medium.name)}`);
      this.thumbnails.set(key, blob ? URL.createObjectURL(blob) : "");
    }
    const address = this.thumbnails.get(key);
    if (address) place.replaceChildren(make("img", { src: address, alt: "" }));
  }

  // Shows what is chosen.
  mark(project) {
    if (project) this.chosen = { photo: project.photo, driver: project.driver };
    for (const button of document.querySelectorAll(".medium")) {
      press(button, this.chosen?.[button.dataset.kind] === button.dataset.name);
    }
  }

  // The webcam: a picture now and then to the studio, never more than it reads.

  async camera(on) {
    if (!on) {
      this.stop();
      this.told.webcam(false, false);
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(CAMERA);
    } catch (problem) {
      this.told.notice(problem.name === "NotAllowedError" ? "The browser may not use the webcam: allow it for this page."
        : "There is no webcam that the browser can use.");
      return;
    }
    byId("camera").srcObject = this.stream;
    this.told.webcam(true, false);
    this.look();
  }

  stop() {
    clearTimeout(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  showWebcam(on, face) {
    press(byId("webcam"), on);
    byId("webcam").textContent = on ? "Stop the webcam" : "Use the webcam";
    byId("rest").hidden = byId("camera").hidden = !on;
    if (!on) this.stop();
    if (on) this.told.working(face ? "" : "The webcam shows no face yet");
  }

  async look() {
    const video = byId("camera");
    if (!this.stream) return;
    if (video.videoWidth) {
      this.small ??= document.createElement("canvas");
      this.small.width = 640;
      this.small.height = Math.round(640 * video.videoHeight / video.videoWidth);
      this.small.getContext("2d").drawImage(video, 0, 0, this.small.width, this.small.height);
      const blob = await new Promise((resolve) => this.small.toBlob(resolve, "image/jpeg", 0.85));
      if (blob && this.stream) this.link.send(await blob.arrayBuffer());
    }
    this.timer = setTimeout(() => this.look(), CAMERA_MS);
  }
}
