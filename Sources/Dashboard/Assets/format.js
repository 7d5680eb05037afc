// Numbers, times and words for people. Numbers in English, times in the reader's own time zone.

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const number = (value) => whole.format(value);

/** `1 job`, `12 jobs`. */
export const count = (value, word, many = `${word}s`) => `${number(value)} ${value === 1 ? word : many}`;

/** Of a time in ISO 8601 or in milliseconds: `14:03:09`, with the day when it is not today's. */
export function time(value) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return "";
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** Of seconds that go by while one looks: `3 s`, `4 min 12 s`. */
export const ticking = (seconds) => (seconds < 10 ? `${Math.max(0, Math.floor(seconds))} s` : duration(seconds));

/** Of seconds, in at most two units: `850 ms`, `4.2 s`, `38 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "";
  const value = Math.max(0, seconds);
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${(Math.floor(value * 10) / 10).toFixed(1)} s`;
  const s = Math.floor(value);
  if (s < 60) return `${s} s`;
  if (s < 3600) return pair(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

function pair(a, unitA, b, unitB) { return b ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`; }

/** Of seconds that nobody wants to the second: `under a minute`, `6 min`, `2 h 5 min`. */
function roughly(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 60) return `${Math.ceil(seconds / 10) * 10} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return duration(Math.ceil(seconds / 60) * 60);
}

const noEstimate = {
  no_history: "No estimate yet: too few finished runs to learn from",
  warming_up: "No estimate yet: it has only just begun",
  queued: "No estimate: nothing is running",
  open: "No estimate: more may still come",
  stalled: "No estimate while it stands still",
  cancelling: "No estimate while it is being cancelled",
  stale: "No estimate while no aggregator is at work",
  ended: "",
};

/** `About 6 min left, 9 at most`; or why nobody can say; empty for what has ended. */
export function estimate(snapshot, now) {
  const eta = snapshot.eta;
  if (!eta) return noEstimate[snapshot.etaReason] ?? "";
  const left = Math.max(0, (Date.parse(eta.at) - now) / 1000);
  const most = left + Math.max(0, eta.high - eta.seconds);
  const usual = roughly(left);
  const high = roughly(most);
  return usual === high ? `About ${usual} left` : `About ${usual} left, rarely over ${high}`;
}

/** `just now`, `40 s ago`, `3 min ago`, `2 h ago`; later the day. */
export function ago(value, now) {
  const seconds = (now - Date.parse(value)) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return day.format(new Date(value));
}

export const statuses = ["completed", "failed", "cancelled", "running", "queued"];
export const unhealthy = ["stalled", "suspect", "slow", "lost"];

export const words = {
  completed: "Completed", failed: "Failed", cancelled: "Cancelled", running: "Running", queued: "Queued",
  ok: "OK", slow: "Slow", suspect: "Suspect", stalled: "Stalled", lost: "Lost",
  open: "Open", sealed: "Sealed", settled: "Settled",
  succeeded: "Succeeded", partial: "Partly failed",
};

/** Of a settled bulk's outcome, the status whose sign and colour it wears. */
export const outcomeKinds = {
  succeeded: "completed", partial: "failed", failed: "failed", cancelled: "cancelled",
};

const numeral = new Intl.PluralRules("en", { type: "ordinal" });
export const ordinal = (n) => `${n}${{ one: "st", two: "nd", few: "rd", other: "th" }[numeral.select(n)]}`;
