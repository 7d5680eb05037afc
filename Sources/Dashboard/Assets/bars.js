// Bars. Each is a progress bar to screen readers, with its state in words.

import { h, icon, setAttribute, setClass, setStyle, setText, show } from "./dom.js";
import { number, statuses, words } from "./format.js";

/** A bulk's members by status, side by side. */
export class MembersBar {
  constructor(label, className = "") {
    this.root = h("div", `bar segments ${className}`, {
      role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": label,
    });
    this.parts = {};
    for (const status of statuses) {
      this.parts[status] = h("span", `segment is-${status}`);
      this.root.append(this.parts[status]);
    }
    this.rest = h("span", "segment is-rest");
    this.root.append(this.rest);
  }

  show(bulk) {
    const counts = bulk.counts;
    const whole = Math.max(bulk.total ?? 0, counts.registered, 1);
    for (const status of statuses) {
      setStyle(this.parts[status], "flex-grow", String(counts[status] / whole));
      show(this.parts[status], counts[status] > 0);
    }
    const rest = whole - counts.registered;
    setStyle(this.rest, "flex-grow", String(rest / whole));
    show(this.rest, rest > 0 || counts.registered === 0);
    setAttribute(this.root, "aria-valuenow", bulk.percent);
    const told = statuses.filter((status) => counts[status] > 0 && status !== "completed")
      .map((status) => `${number(counts[status])} ${status}`);
    setAttribute(this.root, "aria-valuetext", [`${bulk.text} completed`, ...told, `${bulk.percent} %`].join(", "));
  }
}

/** What the colours of a ``MembersBar`` mean, with the numbers. */
export class Legend {
  constructor() {
    this.root = h("ul", "legend");
    this.items = {};
    for (const status of statuses) {
      const value = h("strong", "num");
      const item = h("li", `legend-item is-${status}`, h("span", `swatch is-${status}`, icon(status)), value, ` ${status}`);
      this.items[status] = { item, value };
      this.root.append(item);
    }
    this.missing = h("strong", "num");
    this.missingItem = h("li", "legend-item is-rest", h("span", "swatch is-rest"), this.missing, " not registered");
    this.root.append(this.missingItem);
  }

  show(bulk) {
    for (const status of statuses) {
      const { item, value } = this.items[status];
      setText(value, number(bulk.counts[status]));
      show(item, bulk.counts[status] > 0);
    }
    const missing = (bulk.total ?? 0) - bulk.counts.registered;
    setText(this.missing, number(missing));
    show(this.missingItem, missing > 0);
  }
}

/** One job, one stage, one counter. */
export class Bar {
  constructor(label) {
    this.fill = h("span", "fill");
    this.root = h("div", "bar", {
      role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": label,
    }, this.fill);
  }

  /** @param kind a status, or a health when it is not ok */
  show(percent, kind, text) {
    setStyle(this.fill, "width", `${percent}%`);
    setClass(this.fill, `fill is-${kind}`);
    setAttribute(this.root, "aria-valuenow", percent);
    setAttribute(this.root, "aria-valuetext", text ?? `${percent} %, ${words[kind] ?? kind}`);
  }
}

/** What a job's bar and badge wear: its health while it runs and is not well. */
export function kindOf(job) {
  return job.status === "running" && job.health && job.health !== "ok" ? job.health : job.status;
}
