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
}

// show replaces what an element holds.
export function show(el, ...children) {
  el.replaceChildren();
  append(el, children);
  return el;
}

export const $ = (id) => document.getElementById(id);

let made = 0;
// unique makes an id that no other element has.
export const unique = (name) => `${name}-${++made}`;
