// One bulk: how far it is, what runs, what failed and why, what it waits for, and its members.

import { get, id as encoded, post, Refusal } from "./api.js";
import { announce } from "./announcer.js";
import { Bar, kindOf, Legend, MembersBar } from "./bars.js";
import { ask } from "./dialog.js";
import { Badge, h, icon, KeyedList, setText, show } from "./dom.js";
import { ago, count, number, ticking, time, words } from "./format.js";
import { Members } from "./members.js";
import { stagesOf } from "./pipelines.js";
import { factsOf, showBadges, showFigure } from "./overview.js";

/** Failures and blockers are asked for again when the bulk has changed, at most this often. */
const lookPause = 2_000;
/** What a bulk waits for is told with times: it is asked for again although nothing has changed. */
const lookAge = 10_000;

export function bulk(context, id) {
  let snapshot = null;
  let absence = null;
  let details = { failures: [], messages: new Map(), blockers: [] };
  /** The stages of its members' contract, as far as one of them has told its pipeline. */
  let contract = [];
  let isLooking = false;
  let lookedAt = 0;
  let lookedVersion = null;
  const path = `v1/bulks/${encoded(id)}`;
  const parts = {};
  const figure = { done: h("span", "big num"), of: h("span", "of num"), percent: h("span", "percent num") };
  const bar = new MembersBar("Members by status", "tall");
  const legend = new Legend();
  const badges = [];
  const members = new Members(id, context, (jobs) => follow(jobs));

  const root = h("div", "page",
    h("nav", "crumbs", h("a", "", "Overview", { href: "#/" }), { "aria-label": "Where you are" }),
    h("div", "page-head",
      h("div", "title-line", (parts.title = h("h1", "", id, { tabindex: -1 })), (parts.badges = h("div", "badges")),
        h("div", "actions",
          (parts.seal = h("button", "button", "Seal …", { type: "button", hidden: true })),
          (parts.cancel = h("button", "button", "Cancel …", { type: "button", hidden: true })))),
      (parts.sub = h("p", "sub mono"))),
    (parts.absence = h("p", "callout")),
    (parts.loading = h("p", "loading", "Reading the bulk …")),
    (parts.content = h("div", "stack", { hidden: true },
      h("section", "panel hero", { "aria-label": "Progress" },
        h("p", "figure", figure.done, " ", figure.of, figure.percent),
        bar.root, legend.root, (parts.facts = h("p", "facts num"))),
      (parts.now = h("div", "columns",
        (parts.currentBox = h("section", "panel", { "aria-labelledby": "current" },
          h("div", "section-head", h("h2", "", "Running now", { id: "current" }), (parts.currentCount = h("span", "count num"))),
          (parts.current = h("ul", "jobs")))),
        h("div", "stack",
          (parts.blockerBox = h("section", "panel", { "aria-labelledby": "blockers" },
            h("h2", "", "What it waits for", { id: "blockers" }), (parts.blockers = h("ul", "sentences")))),
          (parts.stageBox = h("section", "panel", { "aria-labelledby": "stages" },
            h("h2", "", "Running jobs by stage", { id: "stages" }), (parts.stages = h("ul", "stage-bars"))))))),
      (parts.failureBox = h("section", "panel", { "aria-labelledby": "failures" },
        h("div", "section-head", h("h2", "", "Failures", { id: "failures" }), (parts.failureCount = h("span", "count num"))),
        (parts.failures = h("ul", "failures")))),
      members.root)));

  const current = new KeyedList(parts.current, (job) => job.id, currentJob, (made, job) => made.show(job, context.now()));
  const stages = new KeyedList(parts.stages, ({ id }) => id, stageBar, (made, item) => made.show(item, snapshot.counts.running));
  const failures = new KeyedList(parts.failures, (group) => `${group.code} ${group.stage}`, failureGroup,
    (made, group) => made.show(group, details.messages, contract));
  const blockers = new KeyedList(parts.blockers, (one) => one.text, blocker, () => {});

  parts.cancel.addEventListener("click", () => cancelBulk());
  parts.seal.addEventListener("click", () => sealBulk());

  function follow(jobs) { context.follow({ bulks: [id], jobs }, poll); }

  function take(data) {
    if (snapshot && snapshot.phase !== "settled" && data.phase === "settled") {
      announce(`The bulk has settled: ${data.text} completed.`);
    } else if (snapshot && data.counts.failed > snapshot.counts.failed) {
      announce(`${count(data.counts.failed, "job")} failed so far.`);
    } else if (snapshot && data.health.stalled > snapshot.health.stalled) {
      announce(`${count(data.health.stalled, "job")} stalled.`);
    }
    snapshot = data;
    absence = null;
    members.countsChanged(data.counts);
    look();
  }

  /** Failures and blockers, when the bulk is another one than at the last look. */
  async function look() {
    const isOld = snapshot?.phase !== "settled" && Date.now() - lookedAt > lookAge;
    if (isLooking || !snapshot || (!isOld && lookedVersion === `${snapshot.epoch}-${snapshot.version}`)) return;
    isLooking = true;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, lookedAt + lookPause - Date.now())));
    lookedAt = Date.now();
    lookedVersion = `${snapshot.epoch}-${snapshot.version}`;
    try {
      const hasFailed = snapshot.counts.failed > 0;
      const [failed, waiting] = await Promise.all([
        hasFailed ? get(`${path}/failures`) : { failures: [] },
        snapshot.phase === "settled" ? { blockers: [] } : get(`${path}/blockers`),
      ]);
      if (members.pipeline) contract = await stagesOf(members.pipeline);
      details = { failures: failed.failures, blockers: waiting.blockers, messages: await messages(failed.failures) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      lookedVersion = null;
    } finally {
      isLooking = false;
      context.paint();
    }
    if (snapshot && !root.isConnected) return;
    look();
  }

  /** What one of each kind of failure said. */
  async function messages(groups) {
    const wanted = groups.map((group) => group.samples[0]).filter((sample) => sample && !details.messages.has(sample));
    const known = new Map(details.messages);
    if (wanted.length) {
      const found = await get(`v1/jobs?ids=${wanted.slice(0, 50).map(encoded).join(",")}`);
      for (const job of found.jobs) known.set(job.id, job.error?.message ?? "");
    }
    return known;
  }

  async function poll(emit) {
    try {
      const answer = await get(path);
      emit("bulk", answer);
      emit("pulse", answer);
    } catch (error) {
      if (error.status === 404) emit("unknown", { kind: "bulk", id });
      else if (error.status === 410) emit("expired", { kind: "bulk", id });
      else throw error;
    }
    await members.reload();
  }

  async function cancelBulk() {
    const { running, queued } = snapshot.counts;
    await ask({
      title: `Cancel ${snapshot.label ?? id}?`, isDangerous: true, yes: "Cancel the bulk",
      body: [h("p", "", `${count(queued, "queued job")} will not be started, and ${count(running, "running job")} will be asked to stop. This cannot be taken back.`)],
      async act() { await post(`${path}/cancel`); },
    }) && announce("The bulk is being cancelled.", true);
  }

  async function sealBulk() {
    const input = h("input", "field num", { type: "number", id: "total", min: 0, step: 1, required: true, inputmode: "numeric" });
    input.value = String(snapshot.total ?? snapshot.counts.registered);
    await ask({
      title: `Seal ${snapshot.label ?? id}?`, yes: "Seal it",
      body: [
        h("p", "", `Sealing fixes the total: no more jobs can join, and the bulk settles when all have ended. ${count(snapshot.counts.registered, "job")} registered so far.`),
        h("label", "label", "Total number of jobs", { for: "total" }), input,
      ],
      async act() { await post(`${path}/seal`, { total: Number(input.value) }); },
    }) && announce("The bulk is being sealed.", true);
  }

  return {
    title: id, page: "bulk", root,
    start() {
      follow([]);
      members.start();
    },
    leave() { members.stop(); },
    event(name, data) {
      if (name === "bulk" && data.id === id) take(data);
      else if (name === "job" || (data.kind === "job" && (name === "expired" || name === "unauthorized"))) members.take(name, data);
      else if (data.kind === "bulk" && (name === "unknown" || name === "expired")) absence = name;
      else if (name === "pulse") look();
    },
    render(now) {
      setText(parts.absence, absence === "unknown" ? `No bulk is called ${id}. When one opens, it shows up here.`
        : absence === "expired" ? "This bulk settled, and its counts are no longer kept." : "");
      show(parts.absence, absence !== null);
      show(parts.loading, !snapshot && !absence);
      show(parts.content, snapshot !== null && absence === null);
      if (!snapshot) return;
      const isOpen = snapshot.phase !== "settled";
      document.title = `${snapshot.text} · ${snapshot.label ?? id} · Headway`;
      setText(parts.title, snapshot.label ?? id);
      setText(parts.sub, snapshot.label ? id : "");
      show(parts.sub, Boolean(snapshot.label));
      showFigure(figure, snapshot);
      showBadges(badges, parts.badges, snapshot);
      bar.show(snapshot);
      legend.show(snapshot);
      const facts = [words[snapshot.phase], ...factsOf(snapshot, now)];
      if (snapshot.createdAt) facts.push(`opened ${time(snapshot.createdAt)}`);
      if (!isOpen && snapshot.updatedAt) facts.push(`last change ${ago(snapshot.updatedAt, now)}`);
      setText(parts.facts, facts.join(" · "));
      show(parts.cancel, isOpen && !snapshot.cancelling);
      show(parts.seal, snapshot.phase === "open");
      const running = snapshot.current ?? [];
      current.show(running);
      setText(parts.currentCount, running.length < snapshot.counts.running
        ? `the ${running.length} longest of ${number(snapshot.counts.running)}` : number(snapshot.counts.running));
      show(parts.currentBox, running.length > 0);
      const places = placesOf(snapshot, contract);
      stages.show(places);
      show(parts.now, isOpen);
      show(parts.stageBox, places.length > 0);
      failures.show(details.failures);
      setText(parts.failureCount, number(snapshot.counts.failed));
      show(parts.failureBox, snapshot.counts.failed > 0 && details.failures.length > 0);
      blockers.show(isOpen ? details.blockers : []);
      show(parts.blockerBox, isOpen && details.blockers.length > 0);
      members.render(now);
    },
  };
}

function currentJob(job) {
  const bar = new Bar(job.id);
  const name = h("a", "mono", job.id, { href: `#/jobs/${encoded(job.id)}` });
  const badge = new Badge();
  const percent = h("span", "num percent");
  const what = h("span", "what");
  const detail = h("span", "soft num");
  const reason = h("p", "reason");
  const root = h("li", "job", h("div", "job-line", name, badge.root, percent), bar.root,
    h("div", "job-line small", what, detail), reason);
  return {
    root,
    show(job, now) {
      const kind = kindOf(job);
      bar.show(job.percent, kind);
      setText(percent, `${job.percent} %`);
      if (kind === "running") badge.hide();
      else badge.show(kind, words[kind]);
      setText(what, job.protected ? "Needs a token" : job.message || job.stage?.label || "Starting");
      const since = job.startedAt ? `for ${ticking((now - Date.parse(job.startedAt)) / 1000)}` : "";
      setText(detail, [job.worker, since].filter(Boolean).join(" · "));
      setText(reason, job.reason ?? "");
      show(reason, Boolean(job.reason));
    },
  };
}

/** Where the running jobs are, in the order of their contract. */
function placesOf(bulk, contract) {
  const labels = new Map((bulk.current ?? []).filter((job) => job.stage).map((job) => [job.stage.id, job.stage.label]));
  const order = new Map(contract.map((stage, place) => [stage.id, place]));
  return Object.entries(bulk.stages)
    .map(([id, running]) => ({ id, running, label: contract[order.get(id)]?.label ?? labels.get(id) ?? id }))
    .sort((a, b) => (order.get(a.id) ?? 1e6) - (order.get(b.id) ?? 1e6));
}

function stageBar({ label }) {
  const bar = new Bar(label);
  const name = h("span", "", label);
  const value = h("span", "num");
  const root = h("li", "stage-bar", h("div", "job-line", name, value), bar.root);
  return {
    root,
    show({ running, label }, all) {
      setText(name, label);
      setText(value, number(running));
      const share = all ? Math.min(100, Math.round((running * 100) / all)) : 0;
      bar.show(share, "running", `${running} of ${all} running jobs`);
    },
  };
}

function failureGroup() {
  const value = h("strong", "num failure-count");
  const code = h("span", "mono failure-code");
  const stage = h("span", "soft");
  const message = h("p", "quote");
  const samples = h("p", "small samples");
  const root = h("li", "failure", value, h("div", "failure-text", h("p", "", code, " ", stage), message, samples));
  return {
    root,
    show(group, messages, contract) {
      setText(value, `${number(group.count)} ×`);
      setText(code, group.code ?? "no code");
      const place = contract.find((one) => one.id === group.stage);
      setText(stage, group.stage ? `in ${place?.label ?? group.stage}` : "");
      const said = messages.get(group.samples?.[0]);
      setText(message, said ?? "");
      show(message, Boolean(said));
      const wanted = (group.samples ?? []).join(" ");
      if (root.dataset.samples === wanted) return;
      root.dataset.samples = wanted;
      samples.replaceChildren(...(group.samples ?? []).flatMap((id, place) => [
        place ? ", " : "For example ", h("a", "mono", id, { href: `#/jobs/${encoded(id)}` }),
      ]));
    },
  };
}

const blockerKinds = {
  unsealed: "pending", unregistered: "pending", overrun: "warning", stalled: "stalled", suspect: "suspect",
  running: "running", queued: "queued",
};

function blocker(one) {
  const kind = blockerKinds[one.kind] ?? "pending";
  // Some begin with an id, which is spelled as it is.
  const isOurs = ["unsealed", "unregistered", "overrun"].includes(one.kind);
  const text = isOurs ? one.text.charAt(0).toUpperCase() + one.text.slice(1) : one.text;
  return { root: h("li", `sentence is-${kind}`, icon(kind), h("span", "", text.endsWith(".") ? text : `${text}.`)) };
}

