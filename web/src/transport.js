// Who answers the page: the server of `archc edit`, or archc itself in a worker. Both are asked by
// name, and give back an object; what goes wrong is an Error.

/** Asks the server that the page came from. */
export class Served {
  constructor(secret) {
    this.secret = secret;
  }

  async ask(name, more = {}) {
    let response;
    try {
      response = await fetch("ask", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Archc-Secret": this.secret },
        body: JSON.stringify({ ask: name, ...more }),
      });
    } catch {
      throw new Gone(ENDED);
    }
    if (response.status === 403) throw new Gone(ENDED, true);
    if (response.status === 413) throw new Error("the text is too large");
    if (response.status === 500) throw new Error((await response.json()).failed);
    if (!response.ok) throw new Error(`archc could not answer (${response.status})`);
    return response.json();
  }
}

/** The other side is not there any more; `isForGood`: another one is in its place. */
export class Gone extends Error {
  constructor(message, isForGood = false) {
    super(message);
    this.isForGood = isForGood;
  }
}

const ENDED = "The archc of this page has ended. What you typed is still here, and can be copied. "
  + "Start `archc edit` again, and open the new address that it prints.";

/** Asks Python in a worker of this page. */
export class Worked {
  constructor() {
    this.waiting = new Map();
    this.last = 0;
    this.start();
  }

  start() {
    this.worker = new Worker("worker.js", { type: "module" });
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }) => {
        if (data.ready) resolve();
        else if (data.failed) reject(new Error(data.failed));
        else this.take(data);
      };
      this.worker.onerror = (event) => reject(new Error(event.message || "Python could not be loaded"));
    });
  }

  take({ id, answer, failed, isEnd }) {
    const [resolve, reject] = this.waiting.get(id);
    this.waiting.delete(id);
    if (isEnd) { // Python is gone, with what it was asked: another one is started
      this.worker.terminate();
      for (const [, refuse] of this.waiting.values()) refuse(new Error(failed));
      this.waiting.clear();
      this.start();
    }
    if (failed) reject(new Error(failed));
    else resolve(JSON.parse(answer));
  }

  async ask(name, more = {}) {
    await this.ready;
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, [resolve, reject]);
      this.worker.postMessage({ id, question: JSON.stringify({ ask: name, ...more }) });
    });
  }
}
