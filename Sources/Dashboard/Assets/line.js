// The page's one connection: Server-Sent Events read with fetch, because EventSource neither sends a token nor shows
// comments, and without comments a dead connection looks like a quiet one.
//
//   connecting ─first bytes─▶ live ─silence, end, error─▶ reconnecting ─first bytes─▶ live
//        └──────────── nothing comes through ────────────▶ polling (and tries the stream again)

import { address, authorization, post, Refusal } from "./api.js";

/** A comment comes at least every 15 s. */
const silenceLimit = 20_000;
/** The server greets at once; a proxy that holds that back will hold back everything. */
const greetingLimit = 6_000;
/** How long without a stream before plain questions are asked, and how often then. */
const pollAfter = 2_500;
const pollPause = 2_000;
const retryLimit = 5_000;
const pollingRetryLimit = 30_000;
/** Browsers open six connections to a server over HTTP/1.1, for all tabs together: a tab that nobody sees gives its own back. */
const restAfter = 5_000;
/** A longer list of subjects goes into a body. */
const addressLimit = 4_000;

export class Line {
  /**
   * @param onEvent (name, data): what the stream says, or what polling found
   * @param onState (): `state` has changed
   */
  constructor(onEvent, onState) {
    Object.assign(this, { onEvent, onState });
    this.state = "connecting";
    this.contactAt = 0;
    this.liveSince = 0;
    this.failures = 0;
    this.turn = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.restTimer);
      if (document.hidden) this.restTimer = setTimeout(() => this.rest(), restAfter);
      else if (this.isResting || Date.now() - this.byteAt > greetingLimit) this.reconnect();
    });
    addEventListener("online", () => { if (!this.isResting) this.reconnect(); });
    addEventListener("offline", () => { if (!this.isResting) this.fail(new Refusal(0), this.turn); });
    // Also notices that the machine slept: the clock has jumped.
    setInterval(() => {
      if (this.controller && Date.now() - this.byteAt > (this.isGreeted ? silenceLimit : greetingLimit)) {
        this.fail(new Refusal(0), this.turn);
      }
    }, 1000);
  }

  /** Follows these from now on, and nothing else. @param poll asks for the same by plain questions. */
  follow(subjects, poll) {
    this.subjects = subjects;
    this.poll = poll;
    this.reconnect();
  }

  rest() {
    this.isResting = true;
    this.turn += 1;
    clearTimeout(this.retryTimer);
    this.controller?.abort();
    this.controller = null;
    this.enter("connecting");
  }

  reconnect() {
    this.isResting = false;
    this.failures = 0;
    this.outSince = Date.now();
    if (this.state !== "live") this.enter("connecting");
    this.open();
  }

  enter(state) {
    if (state === this.state) return;
    this.state = state;
    if (state === "live") this.liveSince = Date.now();
    this.onState();
  }

  async open() {
    const turn = ++this.turn;
    clearTimeout(this.retryTimer);
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    this.byteAt = Date.now();
    this.isGreeted = false;
    this.schedulePoll();
    try {
      const answer = await fetch(await this.target(), {
        headers: { Accept: "text/event-stream", ...authorization() }, cache: "no-store", signal: controller.signal,
      });
      if (turn !== this.turn) return;
      if (answer.status !== 200) {
        throw new Refusal(answer.status, await answer.json().catch(() => null));
      }
      await this.read(answer.body, turn);
      throw new Refusal(0);
    } catch (error) {
      this.fail(error, turn);
    }
  }

  async target() {
    const { jobs = [], bulks = [], recent } = this.subjects;
    const query = new URLSearchParams();
    query.set("pulse", "true");
    if (recent) query.set("recent", String(recent));
    const names = new URLSearchParams(query);
    if (jobs.length) names.set("jobs", jobs.join(","));
    if (bulks.length) names.set("bulks", bulks.join(","));
    if (names.toString().length <= addressLimit) return address(`v1/stream?${names}`);
    const list = await post("v1/streams", { jobs, bulks });
    query.set("list", list.id);
    return address(`v1/stream?${query}`);
  }

  async read(body, turn) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (turn !== this.turn || done) return;
      this.byteAt = this.contactAt = Date.now();
      this.isGreeted = true;
      this.failures = 0;
      this.enter("live");
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) this.take(frame);
    }
  }

  take(frame) {
    let name = "", data = "";
    for (const line of frame.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!name) return;
    const value = JSON.parse(data);
    if (name === "bye") this.retryMs = value.retryMs;
    else this.onEvent(name, value);
  }

  fail(error, turn) {
    if (turn !== this.turn) return;
    this.turn += 1;
    this.controller?.abort();
    this.controller = null;
    if (this.state === "live") this.outSince = Date.now();
    if (error instanceof Refusal && error.needsToken) return this.enter("refused");
    if (this.state !== "polling") this.enter("reconnecting");
    this.failures += 1;
    const limit = this.state === "polling" ? pollingRetryLimit : retryLimit;
    const pause = this.retryMs ?? Math.min(limit, 250 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.retryMs = undefined;
    this.retryTimer = setTimeout(() => this.open(), pause);
    this.schedulePoll();
  }

  schedulePoll() {
    if (this.pollTimer) return;
    this.pollTimer = setTimeout(async () => {
      this.pollTimer = null;
      if (this.state === "live" || this.state === "refused" || this.isResting) return;
      if (Date.now() - this.outSince >= pollAfter && !document.hidden) {
        const poll = this.poll;
        try {
          await poll((name, data) => { if (poll === this.poll && this.state !== "live") this.onEvent(name, data); });
          if (poll === this.poll && this.state !== "live") {
            this.contactAt = Date.now();
            this.enter("polling");
          }
        } catch {
          if (this.state === "polling") this.enter("reconnecting");
        }
      }
      this.schedulePoll();
    }, pollPause);
  }
}
