// One dialog for all questions. The browser keeps the focus inside, and gives it back.

import { operator, Refusal } from "./api.js";
import { h, setText } from "./dom.js";

const dialog = document.getElementById("dialog");
const title = document.getElementById("dialog-title");
const body = document.getElementById("dialog-body");
const problem = document.getElementById("dialog-problem");
const yes = document.getElementById("dialog-yes");
const no = document.getElementById("dialog-no");
let answer = null;

/**
 * @param question `{title, body: [nodes], yes, no, isDangerous, act}`; `act` may throw a Refusal, which is shown
 * @returns whether it was done
 */
export function ask(question) {
  setText(title, question.title);
  body.replaceChildren(...question.body);
  setText(problem, "");
  setText(yes, question.yes);
  setText(no, question.no ?? "Back");
  yes.classList.toggle("danger", question.isDangerous === true);
  yes.disabled = false;
  dialog.showModal();
  (body.querySelector("input") ?? no).focus();
  return new Promise((resolve) => { answer = { question, resolve }; });
}

function close(isDone) {
  dialog.close();
  const { resolve } = answer;
  answer = null;
  resolve(isDone);
}

document.getElementById("dialog-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = answer;
  yes.disabled = true;
  setText(problem, "");
  try {
    await asked.question.act();
    if (answer === asked) close(true);
  } catch (error) {
    if (answer === asked) yes.disabled = false;
    if (!(error instanceof Refusal)) throw error;
    // Whoever went back meanwhile sees no dialog any more, or another one.
    if (answer !== asked) return;
    if (!error.needsToken) return setText(problem, error.message);
    dialog.close();
    answer = null;
    asked.resolve((await signIn(error.message)) ? await ask(asked.question) : false);
  }
});
no.addEventListener("click", () => close(false));
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  close(false);
});

/** Asks for the operator's token and keeps it for this tab. @returns whether it changed. */
export function signIn(reason) {
  const input = h("input", "field", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", maxlength: 512 });
  input.value = operator.token ?? "";
  const nodes = [
    h("p", "", reason ?? "It opens every job, and lets you cancel and seal. Leave it empty to forget it."),
    h("label", "label", "Operator's token", { for: "token" }),
    input,
    h("p", "soft small", "Kept in this tab only, and sent to this server only."),
  ];
  return ask({
    title: "Sign in as the operator", body: nodes, yes: "Keep it", async act() {
      operator.token = input.value.trim() || null;
      dispatchEvent(new Event("headway:token"));
    },
  });
}
