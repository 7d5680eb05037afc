// Draws openapi.json: every operation with its parameters, bodies, answers and a curl line. Deep links are
// #operationId and #schema-Name.
const main = document.getElementById("content"), contents = document.getElementById("contents");
const notice = document.getElementById("notice"), filter = document.getElementById("filter");
let api;

/** Makes an element: text never becomes markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}
function resolve(it) {
  if (!it?.$ref) return it;
  return it.$ref.slice(2).split("/").reduce((at, part) => at[part.replaceAll("~1", "/").replaceAll("~0", "~")], api);
}
const nameOf = it => it?.$ref?.match(/^#\/components\/schemas\/(.+)$/)?.[1];

// MARK: Schemas

/** What a schema takes, in a few words; names of other schemas are links. */
function kind(schema) {
  const name = nameOf(schema);
  if (name) return make("a", { href: `#schema-${name}` }, name);
  const all = schema.anyOf ?? schema.oneOf;
  if (all) return make("span", {}, ...all.flatMap((one, n) => (n ? [" or ", kind(one)] : [kind(one)])));
  if (schema.enum) return make("span", {}, schema.enum.map(word => JSON.stringify(word)).join(" | "));
  if ("const" in schema) return make("span", {}, JSON.stringify(schema.const));
  if (schema.type === "array") return make("span", {}, "array of ", kind(schema.items ?? {}));
  if (schema.type === "object" && schema.additionalProperties && !schema.properties) {
    return make("span", {}, "object of ", kind(schema.additionalProperties === true ? {} : schema.additionalProperties));
  }
  const types = [schema.type ?? "anything"].flat().join(" or ");
  const bounds = [
    schema.format, schema.pattern && `/${schema.pattern}/`, schema.minimum !== undefined && `≥ ${schema.minimum}`,
    schema.maximum !== undefined && `≤ ${schema.maximum}`, schema.maxItems !== undefined && `at most ${schema.maxItems}`,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean).join(", ");
  return make("span", {}, bounds ? `${types} (${bounds})` : types);
}
function row(term, note, detail, ...more) {
  return make("div", {}, make("dt", {}, make("code", {}, term), note ? make("small", {}, note) : null),
    make("dd", {}, detail, ...more));
}
function saying(text) { return text ? make("p", {}, text) : null; }

/** The members of an object; of anything else what it takes. */
function tree(schema) {
  const it = resolve(schema);
  if (it.type === "array" && resolve(it.items)?.properties) {
    return make("div", {}, make("p", { class: "kind" }, "An array, each:"), tree(it.items));
  }
  if (!it.properties) return make("p", { class: "kind" }, kind(nameOf(schema) ? it : schema));
  return make("dl", { class: "rows" }, ...Object.entries(it.properties).map(([name, member]) => {
    const inner = member.properties ?? member.items?.properties ? tree(member) : null;
    return row(name, it.required?.includes(name) ? "" : "may be absent", make("span", { class: "kind" }, kind(member)),
      saying(member.description ?? resolve(member).description), inner && make("details", {}, make("summary", {}, "members"), inner));
  }));
}
function exampleOf(schema) {
  const it = resolve(schema) ?? {};
  if (it.examples?.length) return it.examples[0];
  for (const one of it.anyOf ?? []) if (exampleOf(one) !== undefined) return exampleOf(one);
  if (it.type === "array" && exampleOf(it.items) !== undefined) return [exampleOf(it.items)];
  return undefined;
}
function json(value) { return make("pre", { tabindex: "0" }, make("code", {}, JSON.stringify(value, null, 2))); }

// MARK: Operations

const base = new URL(".", location.href).href.replace(/\/$/, "");
const quoted = text => `'${text.replaceAll("'", `'\\''`)}'`;

function curl(method, path, parameters, body, isStream) {
  const filled = path.replace(/\{(\w+)\}/g, (all, name) => {
    const given = parameters.find(parameter => parameter.name === name && parameter.in === "path");
    return { name: "task", bulk: "spring" }[name] ?? (path.includes("/bulks/") ? "spring" : exampleOf(given?.schema ?? {}) ?? name);
  });
  const needed = parameters.filter(parameter => parameter.in === "query" && parameter.required)
    .map(parameter => `${parameter.name}=${[exampleOf(parameter.schema) ?? "article-42"].flat().join(",")}`);
  if (path === "/v1/stream") needed.push("bulks=spring");
  const query = needed.length ? `?${needed.join("&")}` : "";
  const words = ["curl", isStream ? "-N" : null, method === "GET" ? null : `-X ${method}`, quoted(base + filled + query)];
  if (body) {
    const [type, { schema }] = Object.entries(body.content)[0], example = exampleOf(schema);
    if (example !== undefined) words.push(`\\\n  -H ${quoted(`Content-Type: ${type}`)} \\\n  -d ${quoted(JSON.stringify(example))}`);
  }
  return words.filter(Boolean).join(" ");
}
function copyable(text) {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Select it"; }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return make("div", { class: "copyable" }, make("pre", { tabindex: "0" }, make("code", {}, text)), button);
}
function answer(status, response) {
  const it = resolve(response), parts = [];
  for (const [name, header] of Object.entries(it.headers ?? {})) {
    const about = resolve(header).description;
    parts.push(make("p", { class: "soft" }, "Header ", make("code", {}, name), about ? `: ${about}` : ""));
  }
  for (const [type, media] of Object.entries(it.content ?? {})) {
    parts.push(make("p", {}, make("code", {}, type), " ", nameOf(media.schema) ? kind(media.schema) : ""));
    const events = resolve(media["x-events"]);
    if (events) {
      parts.push(make("dl", { class: "rows" }, ...Object.entries(events).map(([name, schema]) =>
        row(`event: ${name}`, "", make("span", { class: "kind" }, kind(schema)), saying(resolve(schema).description)))));
    } else if (media.schema && !nameOf(media.schema) && (media.schema.properties || media.schema.anyOf)) {
      parts.push(tree(media.schema));
    }
    const example = status < "300" && exampleOf(media.schema ?? {});
    if (example) parts.push(make("details", {}, make("summary", {}, "example"), json(example)));
  }
  return make("div", {}, make("dt", {}, make("span", { class: `status ${status < "400" ? "good" : "bad"}` }, status)),
    make("dd", {}, saying(it.description), ...parts));
}
function operation(method, path, it) {
  const parameters = (it.parameters ?? []).map(resolve), body = resolve(it.requestBody);
  const isStream = Object.values(it.responses).some(one => resolve(one).content?.["text/event-stream"]);
  const article = make("article", { id: it.operationId },
    make("h3", {}, make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("a", { href: `#${it.operationId}` }, make("code", { class: "path" }, path)), it.summary),
    saying(it.description));
  if (parameters.length) {
    article.append(make("h4", {}, "Parameters"), make("dl", { class: "rows" }, ...parameters.map(parameter =>
      row(parameter.name, `${parameter.in}${parameter.required ? ", required" : ""}`,
        make("span", { class: "kind" }, kind(parameter.schema)), saying(parameter.description)))));
  }
  if (body) {
    article.append(make("h4", {}, body.required ? "Body" : "Body, may be left out"));
    for (const [type, { schema }] of Object.entries(body.content)) {
      article.append(make("p", {}, make("code", {}, type), " ", nameOf(schema) ? kind(schema) : ""), nameOf(schema) ? "" : tree(schema));
    }
  }
  const statuses = Object.entries(it.responses).sort(([a], [b]) => (a < b ? -1 : 1));
  article.append(make("h4", {}, "Try it"), copyable(curl(method.toUpperCase(), path, parameters, body, isStream)),
    make("h4", {}, "Answers"), make("dl", { class: "rows answers" }, ...statuses.map(([status, response]) => answer(status, response))));
  article.dataset.words = [method, path, it.summary, it.description, it.operationId, ...it.tags].join(" ").toLowerCase();
  return article;
}

// MARK: The page

function section(title, description, articles, entries) {
  const id = `part-${title.toLowerCase()}`;
  main.append(make("section", { "aria-labelledby": id }, make("h2", { id }, title), make("p", { class: "soft" }, description ?? ""), ...articles));
  contents.append(make("section", {}, make("h2", {}, title), make("ul", {}, ...entries)));
}
function draw() {
  notice.remove();
  main.append(make("h1", {}, `${api.info.title} ${api.info.version}`), make("p", { class: "lead" }, api.info.summary),
    make("p", {}, api.info.description), make("p", {}, "The same for programs: ", make("a", { href: "openapi.json" }, "openapi.json"), ` (OpenAPI ${api.openapi}).`));
  const schemes = Object.entries(api.components.securitySchemes).map(([name, it]) =>
    row(it.type === "http" ? "Authorization: Bearer …" : `?${it.name}=…`, name, saying(it.description)));
  section("Tokens", "What a request may present.", [make("article", { id: "tokens" }, make("dl", { class: "rows" }, ...schemes))],
    [make("li", {}, make("a", { href: "#tokens" }, "Tokens"))]);
  for (const tag of api.tags) {
    const articles = [], entries = [];
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, it] of Object.entries(methods)) {
        if (!it.tags?.includes(tag.name)) continue;
        articles.push(operation(method, path, it));
        entries.push(make("li", {}, make("a", { href: `#${it.operationId}` }, make("span", { class: `method ${method}` }, method.toUpperCase()), ` ${it.summary}`)));
      }
    }
    if (articles.length) section(tag.name, tag.description, articles, entries);
  }
  const names = Object.keys(api.components.schemas);
  section("Schemas", "What bodies and answers are made of.", names.map(name => {
    const schema = api.components.schemas[name];
    const article = make("article", { id: `schema-${name}` }, make("h3", {}, make("a", { href: `#schema-${name}` }, name)), saying(schema.description), tree(schema));
    if (schema.examples && schema.properties) article.append(make("details", {}, make("summary", {}, "example"), json(schema.examples[0])));
    article.dataset.words = `schema ${name} ${schema.description ?? ""} ${Object.keys(schema.properties ?? {}).join(" ")}`.toLowerCase();
    return article;
  }), names.map(name => make("li", {}, make("a", { href: `#schema-${name}` }, name))));
  show();
}
/** Goes to what the address names: it was not there yet when the page was opened. */
function show() {
  for (const link of contents.querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
  let name = "";
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* such as #% names nothing */ }
  const target = name && document.getElementById(name);
  if (target) { target.hidden = false; target.scrollIntoView(); }
}
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const article of main.querySelectorAll("article[data-words]")) {
    article.hidden = !words.every(word => article.dataset.words.includes(word));
    const link = contents.querySelector(`a[href="#${CSS.escape(article.id)}"]`);
    if (link) link.parentElement.hidden = article.hidden;
  }
  for (const part of [...main.querySelectorAll("section"), ...contents.querySelectorAll("section")]) {
    const items = [...part.querySelectorAll("article, li")];
    part.hidden = items.length > 0 && items.every(item => item.hidden);
  }
});
addEventListener("hashchange", show);

try {
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  api = await answer.json();
  draw();
} catch (error) {
  notice.textContent = `This page could not be drawn: ${error.message}. Reload it to try again.`;
}
