// Python, which runs in a worker: what is asked at once goes there together, and of each lane the newest.

const PATIENCE = 20_000;
/** How often a question may take too long: the machine may have slept the first time. */
const TRIES = 2;
const ORDER = ["check", "complete", "hover", "act", "svg", "png", "py", "view"];

export class Python {
  constructor(onState) {
    this.onState = onState;
    this.waiting = new Map();
    this.asked = [];
    // Of each lane, the last question that took too long, and how often it did.
    this.slow = new Map();
    this.start();
  }

  start() {
    this.ready = false;
    this.onState("starting");
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.onmessage = ({ data }) => this.received(data);
    this.worker.onerror = () => this.onState("failed");
  }

  /** The answer; null where a newer question on the same lane took its place. */
  ask(ask, question, lane) {
    const text = JSON.stringify({ ask, ...question });
    return new Promise((resolve) => {
      this.waiting.get(lane)?.resolve(null);
      this.waiting.delete(lane);
      // The page asks again whenever Python has been started again, which would have no end.
      const slow = this.slow.get(lane);
      if (slow?.question === text && slow.times >= TRIES) {
        resolve(tooSlow());
        return;
      }
      this.waiting.set(lane, { lane, question: text, resolve });
      queueMicrotask(() => this.next());
    });
  }

  next() {
    if (!this.ready || this.asked.length || !this.waiting.size) return;
    this.asked = ORDER.map((lane) => this.waiting.get(lane)).filter(Boolean);
    this.waiting.clear();
    this.wait();
    // One message: while the page shows the first answer, Python is at work on the second.
    this.worker.postMessage(this.asked.map((each) => each.question));
  }

  wait() {
    clearTimeout(this.timer);
    if (this.asked.length) this.timer = setTimeout(() => this.giveUp(), PATIENCE);
  }

  received(data) {
    if (data.state) {
      this.ready = data.state === "ready";
      this.onState(data.state, data);
    } else {
      const { resolve } = this.asked.shift();
      this.wait();
      resolve(JSON.parse(data.answer));
    }
    this.next();
  }

  giveUp() {
    this.worker.terminate();
    const [slow, ...rest] = this.asked;
    this.asked = [];
    const before = this.slow.get(slow.lane);
    const times = before?.question === slow.question ? before.times + 1 : 1;
    this.slow.set(slow.lane, { question: slow.question, times });
    for (const each of rest) {
      if (this.waiting.has(each.lane)) each.resolve(null);
      else this.waiting.set(each.lane, each);
    }
    this.start();
    slow.resolve(tooSlow());
  }
}

function tooSlow() {
  const message = `this took longer than ${PATIENCE / 1000} seconds, and was stopped`;
  const hints = ["choose a smaller network or space; the command line has no such limit"];
  return { problem: [{ code: "", severity: "error", message, hints }] };
}
