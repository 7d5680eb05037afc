// <headway-progress job="ID" | bulk="ID" token="…" src="https://headway.example" label="…" compact>: docs/guides/frontend.md
(() => {
"use strict";
if (customElements.get("headway-progress")) return;
const script = document.currentScript ?? document.querySelector('script[src*="headway.js"]');
const home = new URL(".", script?.src || location.href).href;
const lines = new Map(); // by server: one connection for all elements that follow something there
const isOver = it => ["completed", "failed", "cancelled", "settled"].includes(it?.status ?? it?.phase);
const sleep = ms => new Promise(done => setTimeout(done, ms));

class Line {
  subjects = new Map(); // "job:ID" → { kind, id, elements, last: snapshot, problem: word }
  turn = 0; retry = 2000; seen = Date.now(); lastID = ""; isDone = false;
  constructor(base) { this.base = base; }

  add(element, kind, id) {
    const key = kind + ":" + id, known = this.subjects.get(key), subject = known ?? { kind, id, elements: new Set() };
    this.subjects.set(key, subject);
    subject.elements.add(element);
    if (!known?.last || element.token) this.changed();
    return subject;
  }
  remove(element, subject) {
    subject.elements.delete(element);
    if (!subject.elements.size) { this.subjects.delete(subject.kind + ":" + subject.id); this.changed(); }
  }
  changed() { clearTimeout(this.timer); this.timer = setTimeout(() => this.run(), 20); }
  wake() { if (this.isDone || Date.now() - this.seen > 2e4) this.run(); }
  get isLost() { return !this.isDone && Date.now() - this.seen > 1e4; }
  get all() { return [...this.subjects.values()]; }
  get elements() { return this.all.flatMap(subject => [...subject.elements]); }
  get tokens() { return [...new Set(this.elements.map(element => element.token).filter(Boolean))]; }
  ids(kind) { return this.all.filter(subject => subject.kind === kind).map(subject => subject.id); }
  get(path, signal, body) {
    const tokens = this.tokens, headers = {};
    if (body) { body = JSON.stringify({ ...body, tokens }); headers["Content-Type"] = "application/json"; }
    else if (tokens.length === 1) headers.Authorization = "Bearer " + tokens[0];
    return fetch(this.base + path, { method: body ? "POST" : "GET", body, headers, signal, cache: "no-store" });
  }

  async run() {
    const turn = ++this.turn, isMine = () => turn === this.turn;
    this.stop?.abort();
    if (!this.subjects.size) return lines.delete(this.base);
    this.isDone = false;
    this.seen = Date.now();
    for (let failures = 0, next = 0; isMine();) {
      let end;
      if (Date.now() >= next) {
        end = await this.stream(isMine).catch(() => "failed");
        failures = end === "failed" ? failures + 1 : 0;
        if (failures > 1) next = Date.now() + 3e4; // until then by poll
      }
      if (failures > 1 && isMine()) end = await this.poll(isMine).catch(() => 0);
      if (end === "over" && isMine()) return this.isDone = true;
      await sleep(failures > 1 ? 3000 : this.retry * (.75 + Math.random() / 2));
    }
  }
  // Server-Sent Events by fetch: unlike EventSource it can send a token as a header, and sees status and comments.
  async stream(isMine) {
    const stop = this.stop = new AbortController();
    let guard, isOpen, text = "";
    const watch = ms => { clearTimeout(guard); guard = setTimeout(() => stop.abort(), ms); };
    try {
      watch(8000); // a proxy that holds frames back is found out
      const last = this.lastID && "&lastEventId=" + encodeURIComponent(this.lastID);
      const jobs = this.ids("job"), bulks = this.ids("bulk");
      let names = `jobs=${jobs}&bulks=${bulks}`;
      if (names.length > 4e3 || this.tokens.length > 1) { // too much for a URL, or not for one
        const list = await this.get("v1/streams", stop.signal, { jobs, bulks });
        if (!list.ok) return "failed";
        names = "list=" + (await list.json()).id;
      }
      const answer = await this.get(`v1/stream?${names}${last}`, stop.signal);
      if (answer.status === 204) return "over";
      if ([401, 403].includes(answer.status)) {
        for (const { kind, id } of this.all) this.learn(kind, { id }, "unauthorized");
        return "over";
      }
      if (!answer.ok) return "failed";
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done || !isMine()) return isOpen ? "closed" : "failed";
        this.seen = Date.now();
        watch(4e4); // a comment comes every 15 s at least
        const frames = (text + value).split("\n\n");
        text = frames.pop();
        for (const frame of frames) {
          const field = name => frame.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
          const event = field("event"), data = JSON.parse(field("data") ?? "{}");
          this.retry = +field("retry") || this.retry;
          isOpen ||= event && event !== "bye";
          if (event === "complete") this.lastID = field("id");
          else if (event === "job" || event === "bulk") this.learn(event, data);
          else if (data.kind) this.learn(data.kind, data, event);
        }
      }
    } finally { clearTimeout(guard); stop.abort(); }
  }
  async poll(isMine) {
    const jobs = this.ids("job"), bulks = this.ids("bulk"), signal = AbortSignal.timeout(1e4), asked = [];
    if (jobs.length) asked.push(this.get("v1/jobs/query", signal, { ids: jobs }));
    while (bulks.length) {
      let n = 100;
      while (`${bulks.slice(0, n)}`.length > 4e3) n--;
      asked.push(this.get("v1/bulks?ids=" + bulks.splice(0, n), signal));
    }
    for (const answer of await Promise.all(asked)) {
      const body = await answer.json(), kind = body.jobs ? "job" : "bulk";
      if (!answer.ok || !isMine()) return;
      for (const it of body[kind + "s"]) this.learn(kind, it);
      for (const word of ["unknown", "expired", "unauthorized"])
        for (const it of body[word] ?? []) this.learn(kind, it.id ? it : { id: it }, word);
    }
    this.seen = Date.now();
    return this.all.every(({ last, problem }) => isOver(last) || problem === "unauthorized") && "over";
  }
  learn(kind, last, problem) {
    const subject = this.subjects.get(kind + ":" + last.id);
    if (!subject) return;
    Object.assign(subject, { last, problem });
    for (const element of subject.elements) element.learn();
  }
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`:host { display: block; font: 14px/1.4 system-ui, sans-serif; --c: var(--headway-running, #3b7dd8) }
:host([hidden]) { display: none }
:host([state=completed]) { --c: var(--headway-completed, #2f8f5b) }
:host(:is([state=failed], [state=unauthorized], [state=invalid])) { --c: var(--headway-failed, #d0453a) }
:host(:is([state=slow], [state=suspect], [state=stalled], [state=partial])) { --c: var(--headway-warning, #b7791f) }
:host(:is([state=cancelled], [state=queued], [state=unknown], [state=loading], [state=expired], [stale])) { --c: #7c8591 }
div { display: flex; gap: .75em }
[part=label] { font-weight: 600; overflow-wrap: anywhere; flex: 1 }
[part=value], [part=eta] { font-variant-numeric: tabular-nums; white-space: nowrap }
[part=track] { height: 8px; border-radius: 99px; overflow: hidden; gap: 0; margin: .35em 0;
  background: color-mix(in srgb, currentColor 16%, transparent) }
i { width: 0; background: var(--c); transition: width .4s ease-out }
[part=failed] { background: var(--headway-failed, #d0453a) }
[part=foot] { font-size: .9em }
[part=message] { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
[part=state]::before { content: "●"; color: var(--c); margin-right: .4em }
:host([compact]) [part=foot] { display: none }
@media (prefers-reduced-motion: reduce) { i { transition: none } }
@media (forced-colors: active) { [part=track] { border: 1px solid } i { background: Highlight } }`);
const frame = document.createElement("template");
frame.innerHTML = `<div part="head"><span part="label"></span><span part="value"></span></div>
<div part="track" role="progressbar" aria-valuemin="0" aria-valuemax="100"><i part="fill"></i><i part="failed"></i></div>
<div part="foot"><span part="state" role="status"></span><span part="message"></span><span part="eta"></span></div>`;

class HeadwayProgress extends HTMLElement {
  static words = {
    loading: "Loading", queued: "Waiting", running: "Running", slow: "Slow", suspect: "Not heard of lately",
    stalled: "Stalled", completed: "Completed", partial: "Partly completed", failed: "Failed", cancelled: "Cancelled",
    unknown: "Not known yet", expired: "Ended", unauthorized: "Not allowed", invalid: "Names no job or bulk",
    offline: "Connection lost", stale: "Out of date", minutes: n => `about ${n} min left`, seconds: n => `about ${n} s left`,
  };
  static observedAttributes = ["job", "bulk", "token", "src", "label"];
  #line; #subject; #tag; #life; #wasLost; #timer; #parts = {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(frame.content.cloneNode(true));
    for (const element of root.querySelectorAll("[part]")) this.#parts[element.part] = element;
  }
  get token() { return this.getAttribute("token"); }
  get snapshot() { return this.#subject?.last ?? null; }
  connectedCallback() { this.#follow(); }
  disconnectedCallback() { this.#leave(); }
  attributeChangedCallback(name, old, now) {
    if (old === now || !this.isConnected) return;
    if (name === "label") return this.render();
    clearTimeout(this.#timer); // several may change together
    this.#timer = setTimeout(() => this.isConnected && this.#follow());
  }
  #leave() {
    if (this.#subject) this.#line.remove(this, this.#subject);
    this.#line = this.#subject = this.#tag = this.#life = null;
  }
  #follow() {
    this.#leave();
    const kind = this.hasAttribute("bulk") ? "bulk" : "job", id = this.getAttribute(kind) ?? "", src = this.getAttribute("src");
    let base = home;
    try { if (src !== null) base = new URL(src.endsWith("/") ? src : src + "/", document.baseURI).href; } catch { base = null; }
    if (!base || !/^[\w.:@-]{1,200}$/.test(id)) return this.render();
    if (!lines.has(base)) lines.set(base, new Line(base));
    this.#line = lines.get(base);
    this.#subject = this.#line.add(this, kind, id);
    this.learn();
  }
  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
  learn() {
    const { last, problem } = this.#subject, tag = [problem, last?.epoch, last?.version, last?.stale].join();
    this.render();
    if (!last || tag === this.#tag) return;
    this.#tag = tag;
    if (problem && problem !== "expired") return this.#tell("error", { reason: problem, snapshot: last });
    this.#tell("progress", last);
    const life = isOver(last) && [last.epoch, last.attempt, last.generation].join();
    if (life && life !== this.#life) this.#tell("complete", last);
    this.#life = life;
  }
  get state() {
    const it = this.snapshot, problem = this.#subject?.problem;
    if (!it) return this.#subject ? "loading" : "invalid";
    if (problem && problem !== "expired") return problem;
    if (it.status) return it.status === "running" && it.health && it.health !== "ok" ? it.health : it.status;
    if (it.phase === "settled") return it.outcome === "succeeded" ? "completed" : it.outcome ?? "expired";
    return it.health.stalled ? "stalled" : it.counts.running || it.done ? "running" : "queued";
  }
  render() {
    const words = HeadwayProgress.words, it = this.snapshot ?? {}, state = this.state, over = isOver(it), parts = this.#parts;
    const lost = !over && !!this.#line?.isLost, stale = lost || (it.stale && !over), left = (Date.parse(it.eta?.at) - Date.now()) / 1e3;
    const percent = it.percent ?? (it.status === "completed" ? 100 : null);
    const failed = it.total ? Math.min(percent, 100 * it.counts.failed / it.total) : 0;
    const counts = ["running", "failed"].filter(word => it.counts?.[word]).map(word => it.counts[word] + " " + words[word].toLowerCase());
    const texts = {
      label: this.getAttribute("label") ?? it.label ?? this.getAttribute("bulk") ?? this.getAttribute("job"),
      value: [it.text, percent === null ? null : percent + " %"].filter(Boolean).join(" · "),
      state: lost ? words.offline : stale ? words.stale : words[state] ?? state,
      message: it.error?.message ?? it.reason ?? (over ? null : it.message ?? it.stage?.label) ?? counts.join(", "),
      eta: stale || isNaN(left) ? "" : left > 90 ? words.minutes(Math.round(left / 60)) : words.seconds(Math.max(5, Math.ceil(left / 5) * 5)),
    };
    for (const name in texts) if (parts[name].textContent !== (texts[name] ?? "")) parts[name].textContent = texts[name];
    parts.fill.style.width = (percent ?? 0) - failed + "%";
    parts.failed.style.width = failed + "%";
    const put = (element, name, value) => value == null ? element.removeAttribute(name)
      : element.getAttribute(name) !== String(value) && element.setAttribute(name, value);
    put(parts.track, "aria-label", texts.label || "Progress");
    put(parts.track, "aria-valuenow", percent);
    put(parts.track, "aria-valuetext", [texts.state, texts.value, texts.message, texts.eta].filter(Boolean).join(", "));
    put(parts.track, "aria-busy", state === "loading");
    put(this, "state", state);
    put(this, "stale", stale ? "" : null);
    if (lost && !this.#wasLost) this.#tell("error", { reason: "offline", snapshot: this.snapshot });
    this.#wasLost = lost;
  }
}
customElements.define("headway-progress", HeadwayProgress);
globalThis.HeadwayProgress = HeadwayProgress;

const wake = () => document.hidden || lines.forEach(line => line.wake());
for (const name of ["online", "pageshow"]) addEventListener(name, wake);
document.addEventListener("visibilitychange", wake);
setInterval(() => lines.forEach(line => line.elements.forEach(element => element.render())), 2000);
})();
