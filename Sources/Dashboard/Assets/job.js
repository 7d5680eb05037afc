// One job: its stages as a track with durations, what it counts, how it got here, and how it ended.

import { get, id as encoded, post, Refusal } from "./api.js";
import { announce } from "./announcer.js";
import { Bar, kindOf } from "./bars.js";
import { ask } from "./dialog.js";
import { Badge, h, icon, KeyedList, setAttribute, setClass, setStyle, setText, show } from "./dom.js";
import { ago, duration, estimate, ordinal, ticking, time, words } from "./format.js";
import { stagesOf } from "./pipelines.js";

/** The timeline is asked for again when the job has moved on, at most this often. */
const lookPause = 1_000;

export function job(context, id) {
  let snapshot = null;
  let absence = null;
  let timeline = { entries: [], stages: [] };
  let contract = [];
  let isLooking = false;
  let lookedAt = 0;
  let lookedState = null;
  const path = `v1/jobs/${encoded(id)}`;
  const parts = {};
  const badge = new Badge();
  const bar = new Bar("The whole job");
  bar.root.classList.add("tall");
  const facts = new Facts();

  const root = h("div", "page",
    (parts.crumbs = h("nav", "crumbs", h("a", "", "Overview", { href: "#/" }), (parts.bulk = h("a", "mono")), { "aria-label": "Where you are" })),
    h("div", "page-head",
      h("div", "title-line", (parts.title = h("h1", "", id, { tabindex: -1 })), h("div", "badges", badge.root),
        h("div", "actions", (parts.cancel = h("button", "button", "Cancel …", { type: "button", hidden: true })))),
      (parts.sub = h("p", "sub mono"))),
    (parts.absence = h("p", "callout")),
    (parts.loading = h("p", "loading", "Reading the job …")),
    (parts.content = h("div", "stack", { hidden: true },
      h("section", "panel hero", { "aria-label": "Progress" },
        h("p", "figure", (parts.percent = h("span", "big num")), " ", (parts.message = h("span", "of"))),
        bar.root, (parts.facts = h("p", "facts num")),
        (parts.reason = h("p", "callout is-stalled")),
        (parts.error = h("div", "callout is-failed", (parts.errorText = h("p")), (parts.errorCode = h("p", "small mono")))),
        (parts.result = h("p", "callout is-completed"))),
      h("div", "columns wide-left",
        h("div", "stack",
          (parts.trackBox = h("section", "panel", { "aria-labelledby": "track" },
            h("h2", "", "Stages", { id: "track" }), (parts.track = h("ol", "track")))),
          (parts.substepBox = h("section", "panel", { "aria-labelledby": "substeps" },
            h("h2", "", "Within this stage", { id: "substeps" }), (parts.substeps = h("ul", "stage-bars")))),
          h("section", "panel", { "aria-labelledby": "timeline" },
            h("h2", "", "Timeline", { id: "timeline" }), (parts.timeline = h("ol", "timeline")))),
        h("section", "panel", { "aria-labelledby": "facts" }, h("h2", "", "Details", { id: "facts" }), facts.root)))));

  const track = new KeyedList(parts.track, (stage) => stage.id, trackStage, (made, stage) => made.show(stage));
  const substeps = new KeyedList(parts.substeps, (one) => one.id, substep, (made, one) => made.show(one));
  const entries = new KeyedList(parts.timeline, (entry) => entry.key, timelineEntry, (made, entry) => made.show(entry));
  parts.cancel.addEventListener("click", () => cancelJob());

  function take(data) {
    if (snapshot && snapshot.status !== data.status) announce(`The job is now ${data.status}.`);
    else if (snapshot && snapshot.health !== data.health) announce(`The job’s health: ${words[data.health] ?? data.health}.`);
    else if (snapshot && snapshot.stage?.id !== data.stage?.id && data.stage) announce(`Stage: ${data.stage.label}.`);
    snapshot = data;
    absence = null;
    look();
  }

  const stateOf = (job) => [job.epoch, job.status, job.attempt, job.stage?.id, job.stage?.index, job.stage?.attempt,
    job.completedStages.length, job.health, job.cancelRequested].join(" ");

  async function look() {
    if (isLooking || !snapshot || lookedState === stateOf(snapshot)) return;
    isLooking = true;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, lookedAt + lookPause - Date.now())));
    lookedAt = Date.now();
    lookedState = stateOf(snapshot);
    try {
      [timeline, contract] = await Promise.all([get(`${path}/timeline`), stagesOf(snapshot.pipeline)]);
      // Its stages could not be had: again with the next pulse.
      if (!contract.length) lookedState = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      lookedState = null;
    } finally {
      isLooking = false;
      context.paint();
    }
    if (root.isConnected && lookedState !== null) look();
  }

  async function poll(emit) {
    try {
      const answer = await get(path);
      emit("job", answer);
      emit("pulse", answer);
    } catch (error) {
      if (error.status === 404) emit("unknown", { kind: "job", id });
      else if (error.status === 410) emit("expired", error.problem.job);
      else if (error.needsToken) emit("unauthorized", { kind: "job", id });
      else throw error;
    }
  }

  async function cancelJob() {
    await ask({
      title: `Cancel ${snapshot.label ?? id}?`, isDangerous: true, yes: "Cancel the job",
      body: [h("p", "", snapshot.status === "queued"
        ? "It has not begun, and will not."
        : "Its worker is asked to stop, and does so when it notices. This cannot be taken back.")],
      async act() { await post(`${path}/cancel`); },
    }) && announce("The job is being cancelled.", true);
  }

  return {
    title: id, page: "job", root,
    start() { context.follow({ jobs: [id] }, poll); },
    refused() { absence = "unauthorized"; },
    event(name, data) {
      if (name === "job" && data.id === id) take(data);
      else if (name === "unauthorized" || name === "unknown") absence = name;
      else if (name === "expired" && data.kind === "job") {
        absence = data;
        context.paint();
      }
      else if (name === "pulse") look();
      if (name === "unauthorized") context.refused();
    },
    render(now) {
      setText(parts.absence, absenceText(absence, id));
      show(parts.absence, absence !== null);
      show(parts.loading, !snapshot && absence === null);
      show(parts.content, snapshot !== null && absence !== "unauthorized");
      if (!snapshot) return;
      const kind = kindOf(snapshot);
      const isOpen = snapshot.status === "running" || snapshot.status === "queued";
      document.title = `${snapshot.percent} % · ${snapshot.label ?? id} · Headway`;
      setText(parts.title, snapshot.label ?? id);
      setText(parts.sub, snapshot.label ? id : "");
      show(parts.sub, Boolean(snapshot.label));
      badge.show(kind, words[kind] ?? kind);
      show(parts.bulk, Boolean(snapshot.bulk));
      setText(parts.bulk, snapshot.bulk ?? "");
      setAttribute(parts.bulk, "href", snapshot.bulk ? `#/bulks/${encoded(snapshot.bulk)}` : null);
      bar.show(snapshot.percent, kind, `${snapshot.percent} %, ${words[kind] ?? kind}${snapshot.stage ? `, ${snapshot.stage.label}` : ""}`);
      setText(parts.percent, `${snapshot.percent} %`);
      setText(parts.message, snapshot.message || whereabouts(snapshot));
      const elapsed = elapsedOf(snapshot, now);
      setText(parts.facts, [
        elapsed === null ? "" : `${isOpen ? "running for" : "took"} ${isOpen ? ticking(elapsed) : duration(elapsed)}`,
        estimate(snapshot, now), snapshot.attempt > 1 ? `${ordinal(snapshot.attempt)} attempt` : "",
        snapshot.cancelRequested && isOpen ? "asked to stop" : "",
      ].filter(Boolean).join(" · "));
      setText(parts.reason, snapshot.reason ?? "");
      show(parts.reason, Boolean(snapshot.reason));
      setText(parts.errorText, snapshot.error?.message ?? "");
      setText(parts.errorCode, [snapshot.error?.code, snapshot.error?.stage ? `in ${labelOf(snapshot.error.stage, contract)}` : ""].filter(Boolean).join(" "));
      show(parts.error, Boolean(snapshot.error));
      showResult(parts.result, snapshot.result);
      show(parts.cancel, isOpen && !snapshot.cancelRequested);
      const stages = trackOf(snapshot, contract, timeline, now);
      track.show(stages);
      show(parts.trackBox, stages.length > 0);
      substeps.show(snapshot.substeps);
      show(parts.substepBox, snapshot.substeps.length > 0);
      entries.show(timelineOf(timeline, contract));
      facts.show(factsOf(snapshot, now));
    },
  };
}

function absenceText(absence, id) {
  if (absence === null) return "";
  if (absence === "unknown") return `No job is called ${id}. When somebody registers one, it shows up here.`;
  if (absence === "unauthorized") return "This job is read with a token: sign in with the operator’s.";
  return `This job ended as ${absence.status} at ${time(absence.finishedAt)}; no more of it is kept.`;
}

/** What a job does of which nothing is said. */
function whereabouts(job) {
  if (job.status === "completed") return "";
  return job.stage?.label ?? (job.status === "queued" ? "Waiting to be started" : "");
}

const labelOf = (stage, contract) => contract.find((one) => one.id === stage)?.label ?? stage;

function elapsedOf(job, now) {
  if (!job.startedAt) return null;
  return ((job.finishedAt ? Date.parse(job.finishedAt) : now) - Date.parse(job.startedAt)) / 1000;
}

function showResult(node, result) {
  show(node, Boolean(result));
  if (!result || node.dataset.result === result) return;
  node.dataset.result = result;
  const isLink = /^https?:\/\//i.test(result) || /^\/[^/]/.test(result);
  node.replaceChildren("Result: ", isLink
    ? h("a", "mono", result, { href: result, rel: "noreferrer noopener", target: "_blank" })
    : h("span", "mono", result));
}

// MARK: Stages

/** Every stage of the contract, in order, with what is known of this job in it. */
function trackOf(job, known, timeline, now) {
  const ids = known.map((stage) => stage.id);
  for (const id of [...job.completedStages, ...timeline.stages.map((span) => span.stage), job.stage?.id]) {
    if (id && !ids.includes(id)) ids.push(id);
  }
  const spans = timeline.stages.filter((span) => span.attempt === job.attempt);
  const took = new Map();
  const firstAt = new Map();
  for (const span of spans) {
    const end = span.endedAt ? Date.parse(span.endedAt) : now;
    took.set(span.stage, (took.get(span.stage) ?? 0) + Math.max(0, end - Date.parse(span.startedAt)) / 1000);
    if (!firstAt.has(span.stage)) firstAt.set(span.stage, span.startedAt);
  }
  const longest = Math.max(1e-3, ...took.values());
  const isOpen = job.status === "running";
  return ids.map((id) => {
    const stage = known.find((one) => one.id === id);
    const isCurrent = job.stage?.id === id && !job.completedStages.includes(id);
    let state = "pending";
    if (job.completedStages.includes(id) || (job.status === "completed" && took.has(id))) state = "completed";
    else if (job.skippedStages.includes(id)) state = "skipped";
    else if (isCurrent) state = isOpen ? kindOf(job) : job.status === "completed" ? "completed" : job.status;
    const seconds = took.get(id);
    return {
      id, state, label: stage?.label ?? (job.stage?.id === id ? job.stage.label : id),
      percent: state === "completed" ? 100 : isCurrent ? job.stage.percent : 0,
      detail: isCurrent ? place(job.stage) : state === "skipped" ? "skipped" : stage?.optional && state === "pending" ? "optional" : "",
      seconds: seconds ?? null, share: seconds === undefined ? 0 : Math.max(0.01, seconds / longest), isCurrent: isCurrent && isOpen,
    };
  });
}

function place(stage) {
  const parts = [];
  if (stage.index !== undefined) parts.push(stage.of ? `${stage.index} of ${stage.of}` : `number ${stage.index}`);
  if (stage.done !== null && stage.done !== undefined) parts.push(`${stage.done} of ${stage.total}`);
  else if (stage.percent > 0) parts.push(`${stage.percent} %`);
  if (stage.attempt > 1) parts.push(`${ordinal(stage.attempt)} try`);
  return parts.join(" · ");
}

const stateWords = { pending: "not begun", running: "now" };

function trackStage() {
  const sign = h("span", "track-sign");
  const label = h("span", "track-label");
  const word = h("span", "hidden");
  const detail = h("span", "soft num");
  const took = h("span", "track-took num");
  const fill = h("span", "track-fill");
  const root = h("li", "track-stage", sign,
    h("div", "track-text", h("div", "job-line", label, word, detail, took), h("div", "track-bar", fill)));
  let shown = null;
  return {
    root,
    show(stage) {
      if (shown !== stage.state) {
        shown = stage.state;
        sign.replaceChildren(icon(stage.state));
        setClass(root, `track-stage is-${stage.state}`);
      }
      setAttribute(root, "aria-current", stage.isCurrent ? "step" : null);
      setText(label, stage.label);
      setText(word, stage.state === "skipped" ? "" : `, ${stateWords[stage.state] ?? words[stage.state] ?? stage.state}`);
      setText(detail, stage.detail);
      setText(took, stage.seconds === null ? "" : stage.isCurrent ? ticking(stage.seconds) : duration(stage.seconds));
      setStyle(fill, "width", `${stage.share * 100}%`);
    },
  };
}

function substep(one) {
  const bar = new Bar(one.id);
  const value = h("span", "num");
  return {
    root: h("li", "stage-bar", h("div", "job-line", h("span", "", one.id), value), bar.root),
    show(one) {
      const percent = one.percent ?? (one.total ? Math.floor((one.done * 100) / one.total) : 0);
      const text = one.total !== undefined ? `${one.done} of ${one.total}` : `${percent} %`;
      setText(value, text);
      bar.show(Math.min(100, percent), percent >= 100 ? "completed" : "running", text);
    },
  };
}

// MARK: Timeline

const kinds = {
  created: ["queued", "Registered"], started: ["running", "Started"], worker_replaced: ["running", "Another worker took over"],
  stage_started: ["running", "Began"], stage_completed: ["completed", "Finished"], stage_withdrawn: ["skipped", "Taken back"],
  stage_skipped: ["skipped", "Skipped"], cancel_requested: ["cancelled", "Asked to stop"], completed: ["completed", "Completed"],
  failed: ["failed", "Failed"], cancelled: ["cancelled", "Cancelled"], requeued: ["queued", "Queued again"],
  health: ["suspect", "Health"], recovered: ["completed", "Spoke again"],
};

function timelineOf(timeline, known) {
  const labels = new Map(known.map((stage) => [stage.id, stage.label ?? stage.id]));
  return timeline.entries.map((entry, place) => {
    const isHealth = entry.kind === "health";
    const [kind, word] = isHealth && entry.detail in words
      ? [entry.detail === "ok" ? "completed" : entry.detail, entry.detail === "ok" ? "Well again" : words[entry.detail]]
      : kinds[entry.kind] ?? ["pending", entry.kind.replaceAll("_", " ")];
    const stage = entry.stage ? labels.get(entry.stage) ?? entry.stage : "";
    return {
      key: `${place} ${entry.at} ${entry.kind}`, kind, at: entry.at,
      text: [word, stage, entry.index ? `(${entry.index})` : ""].filter(Boolean).join(" "),
      detail: [isHealth ? "" : entry.detail, entry.attempt > 1 ? `${ordinal(entry.attempt)} attempt` : ""].filter(Boolean).join(" · "),
      seconds: entry.durationMs === null ? null : entry.durationMs / 1000,
    };
  });
}

function timelineEntry(entry) {
  const when = h("time", "num soft", time(entry.at), { datetime: entry.at });
  const took = h("span", "num soft timeline-took");
  const text = h("span");
  const detail = h("span", "soft");
  const root = h("li", `timeline-entry is-${entry.kind}`, h("span", "timeline-sign", icon(entry.kind)), when,
    h("span", "timeline-text", text, detail), took);
  return {
    root,
    show(entry) {
      setText(text, entry.text);
      setText(detail, entry.detail ? ` ${entry.detail}` : "");
      setText(took, entry.seconds === null ? "" : duration(entry.seconds));
    },
  };
}

// MARK: Details

class Facts {
  constructor() {
    this.root = h("dl", "details");
    this.list = new KeyedList(this.root, ([name]) => name, ([name]) => {
      const value = h("dd");
      return { root: h("div", "detail", h("dt", "", name), value), value };
    }, (made, [, text, className]) => {
      setText(made.value, text);
      setClass(made.value, className ?? "");
    });
  }

  show(facts) { this.list.show(facts.filter(([, text]) => text)); }
}

function factsOf(job, now) {
  return [
    ["Pipeline", job.pipeline, "mono"], ["Worker", job.worker, "mono"], ["Attempt", String(job.attempt), "num"],
    ["Registered", time(job.createdAt), "num"], ["Started", job.startedAt && time(job.startedAt), "num"],
    ["Last change", ago(job.updatedAt, now), "num"], ["Ended", job.finishedAt && time(job.finishedAt), "num"],
    ["Skipped stages", job.skippedStages.join(", ")],
    ...Object.entries(job.attributes).map(([name, value]) => [name, value]),
    ["Version", `${job.epoch}-${job.version}`, "mono"],
  ];
}
