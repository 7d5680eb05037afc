// A bulk's members: filtered by status, a page at a time, however many there are. The page that is shown is live.

import { get, id as encoded, Refusal } from "./api.js";
import { Bar, kindOf } from "./bars.js";
import { Badge, h, KeyedList, setAttribute, setText, show } from "./dom.js";
import { ago, duration, number, statuses, words } from "./format.js";
import { table } from "./aggregators.js";

const pageSize = 25;
const byName = new Intl.Collator("en", { numeric: true });
/** What a page holds moves on as members change their status: it is read again, at most this often. */
const reloadPause = 4_000;
/** Following others takes a new connection. */
const followPause = 20_000;

export class Members {
  /** @param onShown (ids): the members on the page, to be followed */
  constructor(bulk, context, onShown) {
    Object.assign(this, { bulk, context, onShown });
    this.status = null;
    /** Cursors of the pages before this one, and of this one. */
    this.cursors = [null];
    this.jobs = [];
    this.next = null;
    this.counts = null;
    this.problem = null;
    this.isStale = false;
    this.loadedAt = 0;
    this.followed = new Set();
    this.followedAt = 0;
    /** Whether somebody has just asked for another page. */
    this.isPicked = true;
    this.build();
  }

  build() {
    const choices = h("div", "choices", { role: "group", "aria-label": "Show members that are" });
    this.choices = new Map();
    for (const status of [null, "running", "queued", "failed", "completed", "cancelled"]) {
      const value = h("span", "num choice-count");
      const button = h("button", "choice", status ? words[status] : "All", " ", value, { type: "button", "aria-pressed": String(status === null) });
      button.addEventListener("click", () => this.pick(status));
      this.choices.set(status, { button, value });
      choices.append(button);
    }
    this.body = h("tbody");
    this.box = table("Members", ["Member", "Status", "Progress", "What it does", "Worker", "Changed"], this.body);
    this.box.classList.add("members");
    this.none = h("p", "calm");
    this.failure = h("p", "problem", { role: "alert" });
    this.before = h("button", "button", "Previous", { type: "button" });
    this.after = h("button", "button", "Next", { type: "button" });
    this.place = h("span", "num soft", { "aria-live": "off" });
    this.before.addEventListener("click", () => this.turn(-1));
    this.after.addEventListener("click", () => this.turn(1));
    this.root = h("section", "panel", { "aria-labelledby": "members" },
      h("h2", "", "Members", { id: "members" }), choices, this.failure, this.none, this.box,
      h("nav", "pager", { "aria-label": "Pages of members" }, this.before, this.place, this.after));
    this.rows = new KeyedList(this.body, (job) => job.id, row, (made, job) => made.show(job, this.context.now()));
  }

  /** Of the members that are shown; null before there are any. */
  get pipeline() { return this.jobs.find((job) => job.pipeline)?.pipeline ?? null; }

  start() {
    this.load();
    this.timer = setInterval(() => {
      if (this.isStale && !document.hidden) this.reload().catch(() => {});
    }, reloadPause);
  }

  stop() {
    clearInterval(this.timer);
    this.controller?.abort();
  }

  pick(status) {
    this.status = status;
    this.isPicked = true;
    this.cursors = [null];
    for (const [key, { button }] of this.choices) setAttribute(button, "aria-pressed", key === status ? "true" : "false");
    this.load();
  }

  turn(step) {
    this.isPicked = true;
    if (step > 0) this.cursors.push(this.next);
    else this.cursors.pop();
    this.load().then(() => this.box.scrollIntoView({ block: "nearest" }));
  }

  async load() {
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    this.isStale = false;
    this.loadedAt = Date.now();
    const query = new URLSearchParams({ limit: String(pageSize) });
    if (this.status) query.set("status", this.status);
    const cursor = this.cursors.at(-1);
    if (cursor) query.set("cursor", cursor);
    try {
      const page = await get(`v1/bulks/${encoded(this.bulk)}/jobs?${query}`, controller.signal);
      // By partition, as they come: within a page people want to find them.
      this.jobs = page.jobs.sort((a, b) => byName.compare(a.id, b.id));
      this.next = page.next;
      this.problem = null;
      this.follow();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refusal)) throw error;
      if (error.status !== 404) this.problem = error.message;
    }
    this.context.paint();
  }

  async reload() { await this.load(); }

  /** Only those that can still change; members that come by themselves are followed after a while. */
  follow() {
    const ids = this.jobs.filter((job) => !job.protected && !job.expired && (job.status === "running" || job.status === "queued"))
      .map((job) => job.id);
    // What is followed may be more than is shown: a new connection for every job that ends would be a high price.
    if (ids.every((id) => this.followed.has(id))) return;
    if (!this.isPicked && Date.now() - this.followedAt < followPause) return;
    this.isPicked = false;
    this.followedAt = Date.now();
    this.followed = new Set(ids);
    this.onShown(ids);
  }

  take(name, data) {
    const place = this.jobs.findIndex((job) => job.id === data.id);
    if (place < 0) return;
    if (name === "job" || name === "expired") this.jobs[place] = data;
  }

  countsChanged(counts) {
    const before = this.counts;
    this.counts = counts;
    if (!before) return;
    const keys = this.status ? [this.status] : ["registered", ...statuses];
    if (keys.some((key) => counts[key] !== before[key])) this.isStale = true;
  }

  render() {
    const { counts } = this;
    if (counts) {
      for (const [status, { value }] of this.choices) setText(value, number(status ? counts[status] : counts.registered));
    }
    this.rows.show(this.jobs);
    setText(this.failure, this.problem ?? "");
    show(this.failure, Boolean(this.problem));
    show(this.box, this.jobs.length > 0);
    setText(this.none, this.status ? `No member is ${this.status}.` : "No member has been registered yet.");
    show(this.none, this.jobs.length === 0 && !this.problem);
    const page = this.cursors.length;
    const total = counts ? (this.status ? counts[this.status] : counts.registered) : 0;
    const pages = Math.max(page, Math.ceil(total / pageSize));
    setText(this.place, `Page ${number(page)} of ${number(pages)}`);
    // A button that is disabled loses the focus: say it, and do nothing.
    for (const [button, isOn] of [[this.before, page > 1], [this.after, Boolean(this.next)]]) button.disabled = !isOn;
    show(this.before.parentElement, pages > 1);
  }
}

function row(job) {
  const link = h("a", "mono", job.id, { href: `#/jobs/${encoded(job.id)}` });
  const badge = new Badge();
  const bar = new Bar(job.id);
  const percent = h("span", "num percent");
  const what = h("td", "what");
  const worker = h("td", "mono soft");
  const changed = h("td", "num soft");
  const root = h("tr", "", h("th", "member-name", { scope: "row" }, link), h("td", "", badge.root),
    h("td", "member-bar", h("div", "bar-line", bar.root, percent)), what, worker, changed);
  return {
    root,
    show(job, now) {
      const kind = kindOf(job);
      badge.show(job.protected ? "lock" : kind, job.protected ? `${words[job.status]}, needs a token` : words[kind] ?? kind);
      const part = job.percent ?? (job.status === "completed" ? 100 : 0);
      bar.show(part, kind);
      setText(percent, job.expired ? "" : `${part} %`);
      setText(what, doing(job));
      setAttribute(what, "title", job.reason ?? job.error?.message);
      setText(worker, job.worker ?? "");
      const at = job.finishedAt ?? job.updatedAt;
      setText(changed, at ? ago(at, now) : "");
      if (job.status === "running" && job.elapsedSeconds !== undefined) setAttribute(changed, "title", `running for ${duration(job.elapsedSeconds)}`);
    },
  };
}

function doing(job) {
  if (job.expired) return "No longer kept";
  if (job.error) return job.error.message;
  if (job.reason) return job.reason;
  if (job.status === "queued") return job.protected ? "" : "Waiting to be started";
  return job.message || job.stage?.label || "";
}
