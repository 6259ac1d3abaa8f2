// Elements are made here and nowhere else. Text becomes text nodes; there is
// no way to hand in markup.

const svgNames = 'http://www.w3.org/2000/svg';

// h makes an element. Properties: class, css (an object of style properties),
// on… listeners, everything else an attribute; null, undefined and false leave it out.
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// svg is h for SVG elements.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(svgNames, tag), props, children);
}

function fill(el, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') el.setAttribute('class', value);
    else if (name === 'css') for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
    else if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? '' : String(value));
  }
  append(el, children);
  return el;
}

function append(el, children) {
  for (const c of children) {
    if (Array.isArray(c)) append(el, c);
    else if (c !== null && c !== undefined && c !== false) el.append(c);
  }
  return el;
}

// show replaces what an element holds.
export function show(el, ...children) {
  el.replaceChildren();
  append(el, children);
  return el;
}

// refill is show for what is shown again while somebody may be reading: what
// stays the same is left alone, and the focus stays where it was.
export function refill(el, ...children) {
  const next = append(document.createDocumentFragment(), children);
  const same = next.childNodes.length === el.childNodes.length && [...next.childNodes].every((n, i) => n.isEqualNode(el.childNodes[i]));
  if (!same) refocus(el, () => el.replaceChildren(next));
}

// refocus calls fn, which replaces what el holds, and gives the focus to what
// stands in the place of what had it.
export function refocus(el, fn) {
  const had = document.activeElement;
  const mark = (o) => `${o.getAttribute('href') || o.getAttribute('name') || ''} ${o.textContent}`;
  const sought = el !== had && el.contains(had) ? mark(had) : null;
  fn();
  if (sought !== null) [...el.querySelectorAll(had.tagName)].find((o) => mark(o) === sought)?.focus({ preventScroll: true });
}

export const $ = (id) => document.getElementById(id);

let made = 0;
// unique makes an id that no other element has.
export const unique = (name) => `${name}-${++made}`;
