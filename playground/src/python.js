// Python, which runs in a worker: one question at a time, and on each lane the newest.

const PATIENCE = 20_000;
const ORDER = ["check", "complete", "hover", "act", "view"];

export class Python {
  constructor(onState) {
    this.onState = onState;
    this.waiting = new Map();
    this.asking = null;
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
    return new Promise((resolve) => {
      this.waiting.get(lane)?.resolve(null);
      this.waiting.set(lane, { question: JSON.stringify({ ask, ...question }), resolve });
      this.next();
    });
  }

  next() {
    if (!this.ready || this.asking) return;
    const lane = ORDER.find((each) => this.waiting.has(each));
    if (lane === undefined) return;
    this.asking = this.waiting.get(lane);
    this.waiting.delete(lane);
    this.timer = setTimeout(() => this.giveUp(), PATIENCE);
    this.worker.postMessage(this.asking.question);
  }

  received(data) {
    if (data.state) {
      this.ready = data.state === "ready";
      this.onState(data.state, data);
      this.next();
      return;
    }
    this.answered(JSON.parse(data.answer));
  }

  answered(answer) {
    clearTimeout(this.timer);
    const { resolve } = this.asking;
    this.asking = null;
    resolve(answer);
    this.next();
  }

  giveUp() {
    this.worker.terminate();
    const message = `this took longer than ${PATIENCE / 1000} seconds, and was stopped`;
    const hints = ["choose a smaller network or space; the command line has no such limit"];
    const asking = this.asking;
    this.asking = null;
    this.start();
    asking.resolve({ problem: [{ code: "", severity: "error", message, hints }] });
  }
}
