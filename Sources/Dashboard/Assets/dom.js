// Making and changing nodes. Everything is set as text, never as HTML.

/** An element with a class, properties and children; strings become text. */
export function h(name, className = "", ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  for (const child of children) {
    if (child === null || child === undefined) continue;
    if (child instanceof Node || typeof child === "string") node.append(child);
    else for (const [key, value] of Object.entries(child)) setAttribute(node, key, value);
  }
  return node;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** Touches the page only when the text is another one. */
export function setText(node, text) {
  const wanted = text ?? "";
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function setStyle(node, name, value) {
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
}

export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

/**
 * Keeps a parent's children in step with items: makes, moves, updates and removes only what differs, so that focus
 * and scroll stay where they are.
 * @param make (item) → something with a `root`
 * @param update (made, item)
 */
export class KeyedList {
  constructor(parent, keyOf, make, update) {
    Object.assign(this, { parent, keyOf, make, update });
    this.made = new Map();
  }

  show(items) {
    const keys = new Set();
    let place = this.parent.firstElementChild;
    for (const item of items) {
      const key = this.keyOf(item);
      if (keys.has(key)) continue;
      keys.add(key);
      let made = this.made.get(key);
      if (!made) this.made.set(key, (made = this.make(item)));
      this.update(made, item);
      if (place === made.root) place = place.nextElementSibling;
      else this.parent.insertBefore(made.root, place);
    }
    for (const [key, made] of this.made) {
      if (keys.has(key)) continue;
      made.root.remove();
      this.made.delete(key);
    }
  }
}

const icons = {
  completed: "M5 12.5l4.5 4.5L19 7.5",
  running: "M8 5.5v13l10.5-6.5z",
  queued: "M12 7v5l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  failed: "M7 7l10 10M17 7L7 17",
  cancelled: "M6.5 6.5l11 11M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  slow: "M12 8v4.5l3 1.5M4 12a8 8 0 0 1 16 0M3.5 17h17",
  suspect: "M12 17.2v.3M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1 1-1.1 2.3",
  stalled: "M8.5 6v12M15.5 6v12",
  lost: "M4 4l16 16M8.5 8.5a5 5 0 0 0-1.5 3.5M17 12a5 5 0 0 0-3-4.6M12 17.5v.2",
  warning: "M12 4.5l8.5 15h-17zM12 10v4.5M12 17v.2",
  copy: "M9 9h10v11H9zM5 15V4h10",
  lock: "M6.5 11h11v9h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  skipped: "M5 6.5l7 5.5-7 5.5zM13.5 6.5l7 5.5-7 5.5z",
  pending: "M12 6.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
  arrow: "M5 12h13M13 7l5 5-5 5",
};

/** A sign beside a word: hidden from screen readers, since the word says it. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", icons[name] ?? icons.pending);
  svg.append(path);
  return svg;
}

/** A word with its sign, which changes as the state does. */
export class Badge {
  constructor() {
    this.root = h("span", "badge");
    this.kind = null;
  }

  show(kind, word) {
    if (this.kind !== kind) {
      this.kind = kind;
      this.word = document.createTextNode("");
      this.root.className = `badge is-${kind}`;
      this.root.replaceChildren(icon(kind), this.word);
    }
    if (this.word.data !== word) this.word.data = word;
    show(this.root, true);
  }

  hide() { show(this.root, false); }
}
