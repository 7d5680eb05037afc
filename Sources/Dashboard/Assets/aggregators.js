// Who is at work, which partition belongs to whom, and how far behind it is.

import { get } from "./api.js";
import { Badge, h, KeyedList, setText, show } from "./dom.js";
import { count, duration, number } from "./format.js";

export function aggregators(context) {
  let report = null;
  let problem = null;
  let isAsking = false;
  const parts = {};
  const root = h("div", "page",
    h("div", "page-head", h("h1", "", "Aggregators", { tabindex: -1 }),
      h("p", "soft", "They fold events into states. Each partition of the jobs has one owner at a time.")),
    (parts.problem = h("p", "callout is-failed", { role: "alert" })),
    (parts.loading = h("p", "loading", "Reading …")),
    (parts.content = h("div", "stack", { hidden: true },
      h("section", "panel", { "aria-labelledby": "instances" },
        h("h2", "", "Instances", { id: "instances" }),
        (parts.nobody = h("p", "calm", "Nobody has said that it is at work. Start one: headway aggregate, or headway up.")),
        table("Instances", ["Instance", "State", "Owns", "Commits", "Fenced", "Duplicates dropped"], (parts.instances = h("tbody")))),
      h("section", "panel", { "aria-labelledby": "partitions" },
        h("h2", "", "Partitions", { id: "partitions" }),
        table("Partitions", ["Partition", "Owner", "State", "Behind", "Lag", "Commit", "Fence", "Lost"], (parts.partitions = h("tbody")))))));
  const instances = new KeyedList(parts.instances, (one) => one.name, () => cells(6, 1), showInstance);
  const partitions = new KeyedList(parts.partitions, (one) => one.partition, () => cells(8, 2), showPartition);

  async function ask() {
    if (isAsking) return;
    isAsking = true;
    try {
      report = await get("v1/aggregators");
      problem = null;
    } catch (error) {
      problem = error.message;
      throw error;
    } finally {
      isAsking = false;
      context.paint();
    }
  }

  return {
    title: "Aggregators", page: "aggregators", root,
    start() {
      context.follow({}, async (emit) => { await ask(); emit("pulse", report); });
      ask().catch(() => {});
    },
    event(name) { if (name === "pulse") ask().catch(() => {}); },
    render() {
      setText(parts.problem, problem && !report ? problem : "");
      show(parts.problem, Boolean(problem && !report));
      if (!report) return;
      show(parts.loading, false);
      show(parts.content, true);
      instances.show(report.instances);
      partitions.show(report.partitions);
      show(parts.nobody, report.instances.length === 0);
    },
  };
}

/** A table that may be scrolled sideways by keyboard too. */
export function table(label, heads, body) {
  const row = h("tr");
  for (const head of heads) row.append(h("th", "", head, { scope: "col" }));
  return h("div", "table-box", { role: "group", "aria-label": label, tabindex: 0 }, h("table", "", h("thead", "", row), body));
}

/** @param state the place of the badge: early, so that a phone shows it. The other cells are texts. */
function cells(many, state) {
  const root = h("tr");
  const all = [];
  for (let place = 0; place < many; place += 1) {
    const cell = place === 0 ? h("th", "mono", { scope: "row" }) : h("td", "num");
    all.push(cell);
    root.append(cell);
  }
  const badge = new Badge();
  all[state].append(badge.root);
  return { root, cells: all.toSpliced(state, 1), badge };
}

/** Beats at least once a second; who has not been seen to beat for this long may be gone. */
const silence = 6_000;

function showInstance(made, one) {
  const { cells, badge } = made;
  if (made.beat !== one.beat) Object.assign(made, { beat: one.beat, beatAt: Date.now() });
  [one.name, number(one.owned), number(one.commits), number(one.fenced), number(one.duplicates)]
    .forEach((text, place) => setText(cells[place], text));
  if (one.leaving) badge.show("cancelled", "Leaving");
  else if (Date.now() - made.beatAt > silence) badge.show("lost", "No sign of life");
  else badge.show("completed", "At work");
}

function showPartition({ cells, badge }, one) {
  [String(one.partition), one.owner ?? "nobody", count(one.lagEvents, "event"),
    one.lagMs === null ? "" : one.lagMs === 0 ? "none" : duration(one.lagMs / 1000),
    number(one.commit ?? 0), number(one.fence ?? 0), number(one.lost ?? 0)]
    .forEach((text, place) => setText(cells[place], text));
  cells[6].classList.toggle("is-bad", one.lost > 0);
  if (one.halted) badge.show("failed", "Halted: see its owner’s log");
  else if (one.stale) badge.show("stalled", "No living owner");
  else if (one.next) badge.show("pending", `Handed to ${one.next}`);
  else if (one.lagMs > 5000) badge.show("slow", "Catching up");
  else badge.show("completed", "Up to date");
}
