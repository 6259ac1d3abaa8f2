// Shows openapi.json. Text only ever becomes text nodes.
"use strict";

function node(name, text, attributes) {
  const n = document.createElement(name);
  if (text) n.textContent = text;
  for (const [k, v] of Object.entries(attributes || {})) n.setAttribute(k, v);
  return n;
}

// words says a schema's type in a few words.
function words(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map(words).join(" or ");
  const type = [].concat(schema.type || "any").join(" or ");
  let out = type === "array" ? "array of " + words(schema.items) : type;
  if (schema.format && type === "string") out = schema.format;
  if (schema.enum) out = schema.enum.join(" | ");
  if (schema.minimum !== undefined && schema.maximum !== undefined && schema.maximum < 1e9) out += ", " + schema.minimum + " to " + schema.maximum;
  if (schema.default !== undefined) out += ", default " + JSON.stringify(schema.default);
  return out;
}

// example makes a value of a schema, as a reader would write it.
function example(schema, all, depth) {
  if (!schema || depth > 16) return null;
  if (schema.$ref) return example(all[schema.$ref.split("/").pop()], all, depth + 1);
  if (schema.oneOf) return example(schema.oneOf[0], all, depth);
  if (schema.enum) return schema.enum.join("|");
  switch (schema.type) {
  case "object": {
    const out = {};
    for (const [k, v] of Object.entries(schema.properties || {})) out[k] = example(v, all, depth + 1);
    return out;
  }
  case "array":
    return Array(Math.min(schema.minItems || 1, 3)).fill(null).map(() => example(schema.items, all, depth + 1));
  case "integer": return 1;
  case "number": return 0.5;
  case "boolean": return true;
  case "string": return schema.format === "date-time" ? "2026-06-01T08:00:00Z" : "…";
  }
  return "…";
}

function table(head, rows) {
  const t = node("table"), h = t.createTHead().insertRow();
  for (const c of head) h.append(node("th", c, {scope: "col"}));
  const body = t.createTBody();
  for (const r of rows) {
    const tr = body.insertRow();
    r.forEach((c, i) => tr.append(i === 0 ? wrapped("code", c) : node("td", c)));
  }
  return t;
}

function wrapped(name, text) {
  const td = node("td");
  td.append(node(name, text));
  return td;
}

function content(parent, title, media, all) {
  for (const [kind, m] of Object.entries(media || {})) {
    parent.append(node("h4", title + ": " + kind));
    const ref = m.schema && m.schema.description;
    if (ref) parent.append(node("p", ref));
    if (/json$/.test(kind) && m.schema && (m.schema.$ref || m.schema.oneOf)) {
      parent.append(node("pre", JSON.stringify(example(m.schema, all, 0), null, 1), {tabindex: "0"}));
    }
  }
}

function section(path, method, op, all) {
  const s = node("section", "", {id: op.operationId});
  const h = node("h3");
  h.append(node("span", method.toUpperCase() + " ", {class: "method"}), node("code", path));
  s.append(h, node("p", op.summary + (op.description ? ". " + op.description : "")));
  const params = op.parameters || [];
  if (params.length) {
    s.append(node("h4", "Parameters"), table(["Name", "In", "Type", "Meaning"],
      params.map((p) => [p.name, p.in, words(p.schema), (p.description || p.schema.description || "") + (p.required ? " (needed)" : "")])));
  }
  if (op.requestBody) content(s, "Body", op.requestBody.content, all);
  for (const [status, r] of Object.entries(op.responses)) {
    if (status !== "default") content(s, "Answer " + status, r.content, all);
  }
  return s;
}

async function show() {
  const state = document.getElementById("state");
  let doc;
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error("status " + answer.status);
    doc = await answer.json();
  } catch (e) {
    state.textContent = "openapi.json could not be read: " + e.message;
    return;
  }
  document.getElementById("about").textContent = doc.info.description;
  const all = doc.components.schemas, groups = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of ["get", "post"]) {
      if (!item[method]) continue;
      const tag = (item[method].tags || ["Other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, item[method]]);
    }
  }
  const main = document.getElementById("main"), contents = document.getElementById("contents");
  state.remove();
  const schemes = Object.entries(doc.components.securitySchemes || {});
  if (schemes.length) {
    main.append(node("h2", "Who asks"), table(["Name", "Sent as", "Meaning"],
      schemes.map(([name, s]) => [name, s.type === "http" ? "Authorization: " + s.scheme : s.in + " " + s.name, s.description || ""])));
  }
  for (const [tag, ops] of [...groups].sort()) {
    main.append(node("h2", tag));
    for (const [path, method, op] of ops) {
      const item = node("li");
      item.append(node("a", method.toUpperCase() + " " + path, {href: "#" + op.operationId}));
      contents.append(item);
      main.append(section(path, method, op, all));
    }
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

show();
