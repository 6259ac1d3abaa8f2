// One hint for the whole page, shown beside what is pointed at or focused.

import { $, h, show } from './dom.js';

const contents = new WeakMap();
let anchor = null;

// tip gives an element a hint: nodes, made when it is shown. It shows on
// hover and focus, and stays for touch until something else is touched.
export function tip(el, make) {
  contents.set(el, make);
  el.dataset.tip = '';
  return el;
}

// at shows nodes at a place of the window.
export function at(x, y, ...nodes) {
  anchor = null;
  const box = $('tip');
  show(box, nodes);
  place(box, { left: x, right: x, top: y, bottom: y });
}

function open(el) {
  const make = contents.get(el);
  if (!make || anchor === el) return;
  hide();
  anchor = el;
  const box = $('tip');
  show(box, make());
  el.setAttribute('aria-describedby', 'tip');
  place(box, el.getClientRects()[0] || el.getBoundingClientRect());
}

function place(box, r) {
  box.hidden = false;
  const { offsetWidth: w, offsetHeight: t } = box;
  const below = r.bottom + 8 + t < innerHeight || r.top < t + 8;
  box.style.left = `${Math.max(8, Math.min(innerWidth - w - 8, (r.left + r.right - w) / 2))}px`;
  box.style.top = `${below ? r.bottom + 8 : r.top - t - 8}px`;
}

export function hide() {
  anchor?.removeAttribute('aria-describedby');
  anchor = null;
  $('tip').hidden = true;
}

// lines is what most hints hold: a heading and lines.
export const lines = (head, ...rest) => [h('strong', {}, head), ...rest.map((r) => h('div', {}, r))];

export function start() {
  const of = (e) => e.target.closest?.('[data-tip]');
  addEventListener('pointerover', (e) => {
    const el = of(e);
    if (el) open(el);
    else if (anchor && document.activeElement !== anchor && !$('tip').contains(e.target)) hide();
  });
  addEventListener('focusin', (e) => (of(e) ? open(of(e)) : anchor && hide()));
  addEventListener('focusout', (e) => of(e) === anchor && hide());
  addEventListener('keydown', (e) => e.key === 'Escape' && hide());
  addEventListener('scroll', hide, { passive: true });
  addEventListener('resize', hide);
}
