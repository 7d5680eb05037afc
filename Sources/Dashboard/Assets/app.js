// The shell: which page is shown, what the connection says, and the few things that every page shares.

import { get, id as encoded, operator, Refusal } from "./api.js";
import { aggregators } from "./aggregators.js";
import { bulk } from "./bulk.js";
import { announce } from "./announcer.js";
import { signIn } from "./dialog.js";
import { h, setText, show } from "./dom.js";
import { time } from "./format.js";
import { job } from "./job.js";
import { Line } from "./line.js";
import { overview } from "./overview.js";
import { Reasons } from "./reasons.js";

const main = document.getElementById("main");
const lineBox = document.getElementById("line");
const lineState = document.getElementById("line-state");
const lineAsOf = document.getElementById("line-as-of");
const lineRetry = document.getElementById("line-retry");

let view = null;
let wantsPaint = false;
/** How recent what is shown is, by the last pulse. */
const freshness = { asOf: null, stale: false, lagMs: 0, at: 0 };
/** What the partitions' clock is ahead of this machine's, when they differ at all. */
let skew = 0;

const now = () => Date.now() + skew;

const reasons = new Reasons((name, data) => {
  view?.event?.(name, data);
  paint();
});
const line = new Line(
  (name, data) => {
    reasons.heard(name, data);
    if (name === "pulse") takePulse(data);
    else if (data.asOf > (freshness.asOf ?? "")) Object.assign(freshness, { asOf: data.asOf, at: Date.now() });
    view?.event?.(name, data);
    paint();
  },
  () => {
    if (line.state === "refused") {
      offerSignIn();
      view?.refused?.();
    }
    paint();
  });

/** At most once a frame, however much has come. A hidden page paints when it is looked at. */
function paint() {
  if (wantsPaint) return;
  wantsPaint = true;
  requestAnimationFrame(() => {
    wantsPaint = false;
    paintLine();
    view?.render?.(now());
  });
}
setInterval(paint, 1000);

const context = { paint, now, follow: (subjects, poll) => line.follow(subjects, poll), refused };

// MARK: Pages

const routes = [
  [/^#?\/?$/, () => overview(context)],
  [/^#\/aggregators$/, () => aggregators(context)],
  [/^#\/bulks\/([^/?]+)$/, (id) => bulk(context, id)],
  [/^#\/jobs\/([^/?]+)$/, (id) => job(context, id)],
];

function route(isFirst) {
  if (location.hash === "#main") return;
  let made = null;
  for (const [pattern, make] of routes) {
    const match = pattern.exec(location.hash);
    if (!match) continue;
    try {
      made = make(...match.slice(1).map(decodeURIComponent));
    } catch (error) {
      if (!(error instanceof URIError)) throw error; // such as #/jobs/%
    }
  }
  made ??= nowhere();
  view?.leave?.();
  reasons.clear();
  view = made;
  main.replaceChildren(view.root);
  document.title = view.title === "Headway" ? view.title : `${view.title} · Headway`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === view.page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view.start();
  scrollTo(0, 0);
  // Whoever came here by keyboard or screen reader is told where they are.
  if (!isFirst) view.root.querySelector("h1")?.focus({ preventScroll: true });
  paint();
}

function nowhere() {
  const root = h("div", "page", h("h1", "", "No such page", { tabindex: -1 }),
    h("p", "", h("a", "", "To the overview", { href: "#/" })));
  return { title: "No such page", root, start() { line.follow({}, async () => {}); } };
}

addEventListener("hashchange", () => route(false));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

// MARK: The connection

function takePulse(data) {
  freshness.asOf = data.asOf;
  freshness.lagMs = data.lagMs ?? 0;
  freshness.stale = data.stale === true;
  freshness.at = Date.now();
  const ahead = Date.parse(data.asOf) - Date.now();
  if (data.lagMs === 0) skew = Math.abs(ahead) > 3000 ? ahead : 0;
}

const silentPulse = 8_000;

function standing() {
  const isOut = Date.now() - line.contactAt > 4_000;
  switch (line.state) {
    case "connecting":
      return { state: "connecting", text: "Connecting …", isOld: line.contactAt > 0 && isOut && Date.now() - line.outSince > 1_000 };
    case "reconnecting":
      return { state: "out", text: navigator.onLine ? "Reconnecting …" : "This device is offline", isOld: isOut };
    case "refused": return { state: "out", text: "A token is needed", isOld: false };
    default:
  }
  if (freshness.stale) return { state: "old", text: "Out of date: no aggregator is at work", isOld: true };
  if (Date.now() - Math.max(freshness.at, line.liveSince) > silentPulse) {
    return { state: "old", text: "Out of date: Redis does not answer", isOld: true };
  }
  if (freshness.lagMs > 5_000) {
    return { state: "old", text: `Catching up: ${Math.round(freshness.lagMs / 1000)} s behind`, isOld: false };
  }
  if (line.state === "polling") return { state: "polling", text: "Asking every 2 s: live updates do not get through", isOld: false };
  return { state: "live", text: "Live", isOld: false };
}

let said = "connecting";

function paintLine() {
  const { state, text, isOld } = standing();
  lineBox.dataset.state = state;
  setText(lineState, text);
  setText(lineAsOf, freshness.asOf ? `as of ${time(freshness.asOf)}` : "");
  show(lineRetry, state === "out" && line.state !== "refused");
  document.body.classList.toggle("is-old", isOld);
  if (isOld && said !== "old") {
    said = "old";
    announce(freshness.asOf ? `${text}. What is shown is as of ${time(freshness.asOf)}.` : text);
  } else if (!isOld && said === "old" && (state === "live" || state === "polling")) {
    said = "live";
    announce("Up to date again.");
  }
}

lineRetry.addEventListener("click", () => line.reconnect());

// MARK: The operator

const signInButton = document.getElementById("sign-in");

function offerSignIn() {
  show(signInButton, true);
  setText(document.getElementById("sign-in-text"), operator.token ? "Operator token: forget or change it" : "Sign in with the operator's token");
  signInButton.classList.toggle("is-on", Boolean(operator.token));
}

/** A page met something that needs a token. */
function refused() { offerSignIn(); }

async function askForToken() {
  if (await signIn()) {
    offerSignIn();
    route(true);
  }
}

signInButton.addEventListener("click", askForToken);
addEventListener("headway:token", () => offerSignIn());
if (operator.token) offerSignIn();

// MARK: Search

const search = document.getElementById("search");
const field = document.getElementById("search-id");
const note = document.getElementById("search-note");

search.addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = field.value.trim();
  setText(note, "");
  if (!id) return;
  if (!/^[A-Za-z0-9._:@-]{1,200}$/.test(id)) {
    setText(note, "An id is 1 to 200 letters, digits or . _ : @ -");
    return;
  }
  try {
    const [bulks, jobs] = await Promise.all([get(`v1/bulks?ids=${encoded(id)}`), get(`v1/jobs?ids=${encoded(id)}`)]);
    const isBulk = bulks.bulks.length + bulks.expired.length > 0;
    const isJob = jobs.jobs.length + jobs.expired.length + jobs.unauthorized.length > 0;
    if (!isBulk && !isJob) {
      setText(note, `No bulk and no job is called ${id}.`);
      return;
    }
    field.value = "";
    location.hash = isBulk ? `#/bulks/${encoded(id)}` : `#/jobs/${encoded(id)}`;
  } catch (error) {
    setText(note, error instanceof Refusal ? error.message : String(error));
  }
});
field.addEventListener("input", () => setText(note, ""));
addEventListener("keydown", (event) => {
  const target = event.target;
  const isTyping = target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && target === field) {
    field.value = "";
    setText(note, "");
    field.blur();
  }
});

// MARK: Theme

const themes = { system: "light", light: "dark", dark: "system" };
const themeButton = document.getElementById("theme");
const theme = () => document.documentElement.dataset.theme ?? "system";

function paintTheme() {
  const text = `Theme: ${theme()}`;
  setText(document.getElementById("theme-text"), text);
  themeButton.title = text;
}

themeButton.addEventListener("click", () => {
  const next = themes[theme()];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("headway.theme");
    else localStorage.setItem("headway.theme", next);
  } catch { /* for this visit alone */ }
  paintTheme();
  announce(`Theme: ${next}`, true);
});

paintTheme();
route(true);
