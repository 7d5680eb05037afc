// What screen readers are told of by themselves: meaningful changes only, and at most every ten seconds.

import { setText } from "./dom.js";

const pause = 10_000;
const box = document.getElementById("announcer");
let waiting = [];
let lastAt = -Infinity;
let timer = null;

/** @param isAnswer whether somebody has just asked for it: then it does not wait. */
export function announce(text, isAnswer = false) {
  if (isAnswer) return setText(box, text);
  waiting = waiting.filter((other) => other !== text);
  waiting.push(text);
  timer ??= setTimeout(speak, Math.max(0, lastAt + pause - performance.now()));
}

function speak() {
  timer = null;
  lastAt = performance.now();
  // The newest three; a longer list nobody hears to its end.
  setText(box, waiting.slice(-3).join(" "));
  waiting = [];
}
