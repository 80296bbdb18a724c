// The connection with the studio: a websocket for words and pictures, and requests with the key for files.

const VERSION = 1;
const HEAD = 16;  // bytes before a picture

export class Link {
  // hear: a function for each type of message; picture({number, seconds, took, exact, blob}); lost(): it is gone.
  constructor(key, { hear, picture, lost }) {
    this.key = key;
    this.socket = new WebSocket(`ws://${location.host}/control`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.say("enter", { version: VERSION, key });
    this.socket.onclose = lost;
    this.socket.onmessage = (event) => {
      if (typeof event.data === "string") {
        const { type, ...message } = JSON.parse(event.data);
        hear[type]?.(message);
        return;
      }
      const view = new DataView(event.data);
      picture({
        number: view.getUint32(0, true),
        seconds: view.getFloat32(4, true),
        took: view.getFloat32(8, true),
        exact: view.getUint16(12, true) === 1,
        blob: new Blob([new Uint8Array(event.data, HEAD)]),
      });
    };
  }

  say(type, fields = {}) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, ...fields }));
  }

  send(bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  // Returns what lies at a path as a blob; null where there is nothing.
  async fetched(path) {
    const answer = await fetch(path, { headers: { "X-Facewire-Key": this.key } });
    if (!answer.ok) return null;
    const blob = await answer.blob();
    return blob.size ? blob : null;
  }

  // Puts a file into the folder; returns its name there. progress(share) is told how far it is.
  put(file, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", `/media/${encodeURIComponent(file.name)}`);
      request.setRequestHeader("X-Facewire-Key", this.key);
      request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
      request.onload = () => {
        if (request.status === 200) resolve(JSON.parse(request.responseText).name);
        else reject(new Error(request.responseText || "the file could not be taken"));
      };
      request.onerror = () => reject(new Error("the file could not be sent to the studio"));
      request.send(file);
    });
  }
}
