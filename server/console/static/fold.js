import { h } from './dom.js';
import { num } from './format.js';

const most = 1500; // characters that are shown at once

// fold shows the beginning of a long text, and the rest when it is asked for.
export function fold(el, text) {
  if (text.length <= most) return el;
  el.classList.add('cut');
  const more = h('button', { type: 'button', class: 'link', onclick: () => {
    el.classList.remove('cut');
    more.remove();
  } }, `Show all ${num(text.length)} characters`);
  return [el, more];
}
