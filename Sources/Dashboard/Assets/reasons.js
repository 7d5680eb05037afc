// Why a job is not well is told with times, such as "No progress for 34s". Time alone makes no frame: it is asked for again.

import { get, id as encoded, Refusal } from "./api.js";

const askPause = 10_000;
/** Named in one question. */
const limit = 50;

const version = (snapshot) => `${snapshot.epoch}-${snapshot.version}`;

/** Of the page that is shown, what is not well, and in which version. */
export class Reasons {
  /** @param onEvent (name, data): what has come again, as a frame would */
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.clear();
  }

  /** Another page is shown. */
  clear() {
    this.unwell = { job: new Map(), bulk: new Map() };
    this.askedAt = Date.now();
  }

  heard(name, data) {
    if (name === "pulse") this.ask();
    if (name !== "job" && name !== "bulk") return;
    const hasReason = name === "job" ? data.status === "running" && data.reason : data.current?.some((job) => job.reason);
    if (hasReason) this.unwell[name].set(data.id, version(data));
    else this.unwell[name].delete(data.id);
  }

  async ask() {
    if (Date.now() - this.askedAt < askPause) return;
    this.askedAt = Date.now();
    try {
      await Promise.all([this.askFor("job"), this.askFor("bulk")]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  async askFor(kind) {
    const unwell = this.unwell[kind];
    const ids = [...unwell.keys()].slice(0, limit);
    if (!ids.length) return;
    // The others have their turn next time.
    for (const id of ids) {
      const asked = unwell.get(id);
      unwell.delete(id);
      unwell.set(id, asked);
    }
    const answer = await get(`v1/${kind}s?ids=${ids.map(encoded).join(",")}`);
    if (unwell !== this.unwell[kind]) return;
    for (const one of answer[`${kind}s`]) {
      if (unwell.get(one.id) === version(one)) this.onEvent(kind, one);
      // Another version comes, or has come, as a frame; or nobody looks at it any more.
      else unwell.delete(one.id);
    }
  }
}
