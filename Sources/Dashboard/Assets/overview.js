// All bulks: those in progress with their bars, and those that have settled.

import { get, id as encoded } from "./api.js";
import { announce } from "./announcer.js";
import { Bar, kindOf, Legend, MembersBar } from "./bars.js";
import { Badge, h, icon, KeyedList, setAttribute, setText, show } from "./dom.js";
import { ago, count, estimate, number, outcomeKinds, unhealthy, words } from "./format.js";

/** Of the newest bulks; the server follows at most 100. */
const bulkLimit = 50;
/** Running jobs on a card. */
const jobsOnCard = 3;

export function overview(context) {
  const order = { ids: null };
  const bulks = new Map();
  const parts = {};
  const root = h("div", "page overview",
    h("h1", "hidden", "Overview", { tabindex: -1 }),
    (parts.loading = h("p", "loading", "Reading the bulks …")),
    (parts.empty = emptySystem()),
    (parts.content = h("div", "stack", { hidden: true },
      (parts.tiles = tiles()).root,
      h("section", "stack", { "aria-labelledby": "in-progress" },
        h("div", "section-head", h("h2", "", "In progress", { id: "in-progress" }), (parts.openCount = h("span", "count num"))),
        (parts.calm = h("p", "calm", "Nothing is in progress: all that was started has settled.")),
        (parts.cards = h("div", "cards"))),
      (parts.past = h("section", "stack", { "aria-labelledby": "recent" },
        h("div", "section-head", h("h2", "", "Recently settled", { id: "recent" }), (parts.pastCount = h("span", "count num"))),
        (parts.list = h("ul", "rows panel"))))))
  );
  show(parts.empty, false);
  const cards = new KeyedList(parts.cards, (bulk) => bulk.id, card, (made, bulk) => made.show(bulk, context.now()));
  const rows = new KeyedList(parts.list, (bulk) => bulk.id, row, (made, bulk) => made.show(bulk, context.now()));

  function take(bulk) {
    const before = bulks.get(bulk.id);
    bulks.set(bulk.id, bulk);
    if (!before) return;
    const name = bulk.label ?? bulk.id;
    if (before.phase !== "settled" && bulk.phase === "settled") {
      announce(`${name} has settled: ${bulk.text} completed${bulk.counts.failed ? `, ${bulk.counts.failed} failed` : ""}.`);
    } else if (bulk.counts.failed > before.counts.failed) {
      announce(`${name}: ${count(bulk.counts.failed, "job")} failed.`);
    } else if (bulk.health.stalled > before.health.stalled) {
      announce(`${name}: ${count(bulk.health.stalled, "job")} stalled.`);
    }
  }

  return {
    title: "Headway", page: "overview", root,
    start() { context.follow({ recent: bulkLimit }, poll); },
    event(name, data) {
      if (name === "recent") {
        order.ids = data.bulks;
        const known = new Set(data.bulks);
        for (const id of bulks.keys()) if (!known.has(id)) bulks.delete(id);
      } else if (name === "bulk") take(data);
      else if (name === "expired" && data.kind === "bulk") bulks.delete(data.id);
    },
    render() {
      if (!order.ids) return;
      show(parts.loading, false);
      show(parts.empty, order.ids.length === 0);
      show(parts.content, order.ids.length > 0);
      const all = order.ids.map((id) => bulks.get(id)).filter(Boolean);
      const open = all.filter((bulk) => bulk.phase !== "settled");
      const settled = all.filter((bulk) => bulk.phase === "settled")
        .sort((a, b) => (b.updatedAt ?? "").localeCompare(a.updatedAt ?? ""));
      parts.tiles.show(open);
      cards.show(open);
      rows.show(settled);
      show(parts.calm, open.length === 0 && all.length > 0);
      show(parts.past, settled.length > 0);
      setText(parts.openCount, open.length ? number(open.length) : "");
      setText(parts.pastCount, number(settled.length));
    },
  };

  async function poll(emit) {
    const page = await get(`v1/bulks?limit=${bulkLimit}`);
    emit("recent", { bulks: page.bulks.map((bulk) => bulk.id) });
    const open = page.bulks.filter((bulk) => bulk.phase !== "settled").map((bulk) => encoded(bulk.id));
    const full = open.length ? (await get(`v1/bulks?ids=${open.join(",")}`)).bulks : [];
    const byID = new Map(full.map((bulk) => [bulk.id, bulk]));
    for (const bulk of page.bulks) emit("bulk", byID.get(bulk.id) ?? bulk);
    emit("pulse", page);
  }
}

// MARK: Tiles

function tiles() {
  const kinds = [
    ["bulks", "In progress", "bulks"], ["running", "Running", "jobs"], ["queued", "Queued", "jobs"],
    ["trouble", "Stalled or suspect", "jobs"], ["failed", "Failed", "jobs"],
  ];
  const values = {};
  const root = h("dl", "tiles", { "aria-label": "In all bulks in progress" });
  for (const [kind, label, unit] of kinds) {
    const value = h("dd", "tile-value num");
    values[kind] = { value, root: h("div", `tile tile-${kind}`, h("dt", "", label), value, h("dd", "tile-unit", unit)) };
    root.append(values[kind].root);
  }
  return {
    root,
    show(bulks) {
      const sum = (of) => bulks.reduce((total, bulk) => total + of(bulk), 0);
      const sums = {
        bulks: bulks.length, running: sum((b) => b.counts.running), queued: sum((b) => b.counts.queued),
        failed: sum((b) => b.counts.failed), trouble: sum((b) => b.health.stalled + b.health.suspect),
      };
      for (const [kind, { value, root: tile }] of Object.entries(values)) {
        setText(value, number(sums[kind]));
        tile.classList.toggle("is-zero", sums[kind] === 0);
      }
    },
  };
}

// MARK: A bulk in progress

function card(bulk) {
  const name = `bulk-${bulk.id}`;
  const link = h("a", "card-link", { href: `#/bulks/${encoded(bulk.id)}` });
  const sub = h("span", "sub mono");
  const figure = { done: h("span", "big num"), of: h("span", "of num"), percent: h("span", "percent num") };
  const bar = new MembersBar(bulk.label ?? bulk.id);
  const legend = new Legend();
  const facts = h("p", "facts num");
  const badges = [];
  const badgeBox = h("div", "badges");
  const jobs = h("ul", "mini", { "aria-label": "Running now" });
  const root = h("article", "card", { "aria-labelledby": name },
    h("header", "card-head", h("h3", "", link, { id: name }), badgeBox),
    sub,
    h("p", "figure", figure.done, " ", figure.of, figure.percent),
    bar.root, legend.root, facts, jobs);
  const list = new KeyedList(jobs, (job) => job.id, miniJob, (made, job) => made.show(job));
  return {
    root,
    show(bulk, now) {
      setText(link, bulk.label ?? bulk.id);
      setText(sub, bulk.label ? bulk.id : "");
      show(sub, Boolean(bulk.label));
      showFigure(figure, bulk);
      bar.show(bulk);
      legend.show(bulk);
      showBadges(badges, badgeBox, bulk);
      setText(facts, factsOf(bulk, now).join(" · "));
      const current = (bulk.current ?? []).slice(0, jobsOnCard);
      list.show(current);
      show(jobs, current.length > 0);
    },
  };
}

export function showFigure(figure, bulk) {
  const [done, ...rest] = bulk.text.split(" ");
  setText(figure.done, number(Number(done)));
  setText(figure.of, rest.join(" ").replace(/\d+/, (text) => number(Number(text))));
  setText(figure.percent, `${bulk.percent} %`);
}

export function showBadges(badges, box, bulk) {
  const wanted = [];
  if (bulk.cancelling && bulk.phase !== "settled") wanted.push(["cancelled", "Cancelling"]);
  if (bulk.phase === "settled") wanted.push([outcomeKinds[bulk.outcome] ?? "completed", words[bulk.outcome] ?? "Settled"]);
  for (const kind of unhealthy) {
    if (bulk.health[kind] > 0) wanted.push([kind, `${number(bulk.health[kind])} ${kind}`]);
  }
  if (bulk.phase === "open") wanted.push(["pending", "Open"]);
  while (badges.length < wanted.length) {
    badges.push(new Badge());
    box.append(badges.at(-1).root);
  }
  badges.forEach((badge, place) => {
    if (wanted[place]) badge.show(...wanted[place]);
    else badge.hide();
  });
}

export function factsOf(bulk, now) {
  const facts = [];
  if (bulk.rate) facts.push(`${number(bulk.rate.perMinute < 100 ? bulk.rate.perMinute : Math.round(bulk.rate.perMinute))} per minute`);
  const left = estimate(bulk, now);
  if (left) facts.push(left);
  if (bulk.generation > 1) facts.push(`${count(bulk.generation - 1, "job")} tried again`);
  return facts;
}

function miniJob(job) {
  const bar = new Bar(job.id);
  const name = h("a", "mono", job.id, { href: `#/jobs/${encoded(job.id)}` });
  const what = h("span", "what");
  const percent = h("span", "num percent");
  const badge = new Badge();
  const root = h("li", "mini-job", h("div", "mini-line", name, badge.root, what, percent), bar.root);
  return {
    root,
    show(job) {
      const kind = kindOf(job);
      bar.show(job.percent, kind);
      setText(what, job.message || job.stage?.label || "");
      setText(percent, `${job.percent} %`);
      if (kind === "running") badge.hide();
      else badge.show(kind, words[kind]);
      setAttribute(root, "title", job.reason);
    },
  };
}

// MARK: A settled bulk

function row(bulk) {
  const badge = new Badge();
  const link = h("a", "row-name", { href: `#/bulks/${encoded(bulk.id)}` });
  const text = h("span", "row-text num");
  const detail = h("span", "row-detail soft num");
  const when = h("span", "row-when soft num");
  const bar = new MembersBar(bulk.label ?? bulk.id, "thin");
  const root = h("li", "row", h("span", "row-badge", badge.root), link, bar.root, text, detail, when);
  return {
    root,
    show(bulk, now) {
      badge.show(outcomeKinds[bulk.outcome] ?? "completed", words[bulk.outcome] ?? "Settled");
      setText(link, bulk.label ?? bulk.id);
      // Two bulks may bear one label.
      link.title = bulk.label ? bulk.id : "";
      setText(text, bulk.text);
      const { failed, cancelled } = bulk.counts;
      setText(detail, [failed ? `${number(failed)} failed` : "", cancelled ? `${number(cancelled)} cancelled` : ""].filter(Boolean).join(", "));
      setText(when, bulk.updatedAt ? ago(bulk.updatedAt, now) : "");
      bar.show(bulk);
    },
  };
}

// MARK: An empty system

function emptySystem() {
  const origin = location.origin + location.pathname.replace(/\/$/, "");
  const steps = [
    ["Say what a job is made of", "Its stages, and how much of the whole each is. A real one has its own file.",
      `curl -X PUT ${origin}/v1/pipelines/task -H 'Content-Type: application/json' -d '{"name":"task","stages":[{"id":"work","range":[0,100]}]}'`],
    ["Watch something happen", "Forty pretended jobs on six workers; some of them fail.",
      "headway simulate --pipeline task --jobs 40 --workers 6 --fail 5%"],
    ["Wrap a program that you have", "Its exit code and duration become a job; lines of its output such as “3/10” become progress.",
      "headway run --pipeline task --job first --bulk mine --stage work -- ./your-program"],
  ];
  const list = h("ol", "steps");
  for (const [title, text, command] of steps) {
    // Lines break between words, not within an option.
    const code = h("code", "", ...command.split(/(?<= )/).map((word) => h("span", word.length < 40 ? "word" : "", word)));
    const button = h("button", "icon-button copy", icon("copy"), h("span", "hidden", `Copy: ${title}`), { type: "button" });
    button.addEventListener("click", async () => {
      const isDone = await copy(command, code);
      announce(isDone ? "Copied." : "Selected: copy it with the keyboard.", true);
      button.classList.toggle("is-done", isDone);
      setTimeout(() => button.classList.remove("is-done"), 2000);
    });
    list.append(h("li", "step", h("h3", "", title), h("p", "soft", text), h("div", "command", code, button)));
  }
  return h("section", "empty", { "aria-labelledby": "empty-title" },
    h("h2", "", "Nothing here yet", { id: "empty-title" }),
    h("p", "lead", "No bulk has been opened. As soon as a worker says its first word it shows up here by itself."), list);
}

/** @returns false where the browser gives no clipboard (a page that is not from localhost or HTTPS): then it is selected. */
async function copy(text, node) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return false;
  }
}

