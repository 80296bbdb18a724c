// The page's own engine: the web package renders heads of 256 pixels, which are laid into the photo as it fades around them.

const TRIES = 5;
const FOLDER = new URL("/web/", location.href).href;

export class Engine {
  // link: see link.js. told: working(text, share), draw(canvas, picture), drawn(number)
  constructor(link, told) {
    this.link = link;
    this.told = told;
    this.people = new Map();
    this.canvas = document.createElement("canvas");
    this.small = document.createElement("canvas");
  }

  // Loads the networks and returns what computes and how many milliseconds a head takes.
  async measured() {
    const { Renderer } = await import(`${FOLDER}render/index.js`);
    const manifest = await (await fetch(`${FOLDER}manifest.json`)).json();
    this.side = manifest.resolution;
    this.keypoints = manifest.keypoints;
    this.renderer = new Renderer(FOLDER, (share) => this.told.working("loading the page's engine", share));
    const ready = await this.renderer.ready;
    const { provider, threads } = typeof ready === "object" ? ready : { provider: "wasm", threads: ready };
    const id = await this.renderer.person(new Uint8Array(3 * this.side ** 2).fill(128));
    const still = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 0, 0], expression: new Array(3 * this.keypoints).fill(0) };
    const times = [];
    for (let tries = 0; tries <= TRIES; tries++) {
      const begun = performance.now();
      await this.renderer.render(id, still, this.keypoints);
      times.push(performance.now() - begun);
    }
    this.renderer.forget(id);
    const middle = times.slice(1).sort((a, b) => a - b)[TRIES >> 1];  // the first one warms up
    return { name: `${provider}, ${threads} ${threads === 1 ? "thread" : "threads"}`, milliseconds: middle };
  }

  // Renders what the studio says: {number, seconds, key, heads}; while one is being rendered only the newest waits.
  async show(message) {
    this.waiting = message;
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next; (next = this.waiting);) {
        this.waiting = null;
        await this.render(next);
      }
    } finally {
      this.busy = false;
    }
  }

  async render(message) {
    const begun = performance.now();
    const photo = await this.plate(message.key);
    const people = await Promise.all(message.heads.map(({ face }) => this.person(message.key, face)));
    if (!photo || people.includes(null)) return this.told.drawn(message.number);
    const { canvas, small, side } = this;
    const pen = canvas.getContext("2d");
    [canvas.width, canvas.height] = [photo.width, photo.height];
    [small.width, small.height] = [side, side];
    pen.drawImage(photo, 0, 0);
    for (const [place, head] of message.heads.entries()) {
      const { pixels } = await this.renderer.render(people[place].id, head, this.keypoints);
      small.getContext("2d").putImageData(faded(pixels, people[place].square, side), 0, 0);
      pen.drawImage(small, head.left * canvas.width, head.top * canvas.height, head.width * canvas.width, head.height * canvas.height);
    }
    this.told.draw(canvas, { number: message.number, seconds: message.seconds, took: performance.now() - begun, exact: false });
  }

  // The photo at the stage's size.
  async plate(key) {
    if (this.plateKey !== key) {
      this.plateKey = key;
      this.photo = null;
      for (const { id } of this.people.values()) this.renderer.forget(id);
      this.people.clear();
      const blob = await this.link.fetched("/before");
      this.photo = blob && await createImageBitmap(blob);
    }
    return this.photo;
  }

  async person(key, face) {
    if (!this.people.has(face)) {
      const blob = await this.link.fetched(`/head/${face}`);
      if (!blob || this.plateKey !== key) return null;
      const square = new Uint8Array(await blob.arrayBuffer());
      this.people.set(face, { id: await this.renderer.person(rgb(square)), square });
    }
    return this.people.get(face);
  }
}

// Returns the colours of pixels of four bytes.
function rgb(square) {
  const pixels = new Uint8Array(3 * square.length / 4);
  for (let at = 0, to = 0; at < square.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) pixels[to++] = square[at + channel];
  }
  return pixels;
}

// Returns a rendered head as it is shown: transparent where the photo goes on.
function faded(pixels, square, side) {
  const image = new ImageData(side, side);
  for (let at = 0, from = 0; at < image.data.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) image.data[at + channel] = pixels[from++];
    image.data[at + 3] = square[at + 3];
  }
  return image;
}
