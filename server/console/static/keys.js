// The keyboard: / searches, g and a letter goes to a page, j and k walk the
// rows of a list, Enter opens one, ? tells.

import { $, h } from './dom.js';

const pages = { o: ['#/', 'overview'], c: ['#/campaigns', 'campaigns'], t: ['#/templates', 'templates'], f: ['#/flags', 'flags'], s: ['#/similar', 'similar prompts'] };
let waiting = 0; // until when a letter after g counts

const typing = (el) => el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|range)$/.test(el.type);

// walk moves the focus among the links marked as rows.
function walk(by) {
  const rows = [...document.querySelectorAll('main [data-row]')].filter((el) => el.offsetParent);
  if (!rows.length) return;
  const at = rows.findIndex((el) => el === document.activeElement || el.closest('tr, li')?.contains(document.activeElement));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next.focus({ preventScroll: true });
  (next.closest('tr, li') || next).scrollIntoView({ block: 'nearest' });
}

function help() {
  if (document.querySelector('dialog[open]')) return;
  const rows = [
    ['/', 'search, or go to an id: c54, t11, @account'], ...Object.entries(pages).map(([k, [, name]]) => [`g ${k}`, name]),
    ['j k', 'next and previous row'], ['Enter', 'open the row'], ['x', 'mark a campaign to compare it'], ['b', 'give a verdict on this page'], ['n', 'the next alert'],
    ['← → ↑ ↓', 'move in the matrix'], ['Esc', 'close, or leave a field'], ['?', 'this list'],
  ];
  const dialog = h('dialog', { class: 'sheet', 'aria-labelledby': 'keys-title' },
    h('h2', { id: 'keys-title' }, 'Keyboard'),
    h('dl', { class: 'keys' }, rows.map(([k, what]) => [h('dt', {}, k.split(' ').map((c) => [h('kbd', {}, c), ' '])), h('dd', {}, what)])),
    h('form', { method: 'dialog' }, h('button', { class: 'main', autofocus: true }, 'Close')));
  dialog.addEventListener('close', () => dialog.remove()); // the focus is back where it was by then
  document.body.append(dialog);
  dialog.showModal();
}

function press(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  if (typing(e.target)) {
    if (e.key === 'Escape') e.target.blur();
    return;
  }
  if (document.querySelector('dialog[open]')) return;
  if (Date.now() < waiting && pages[e.key]) {
    waiting = 0;
    location.hash = pages[e.key][0];
    return e.preventDefault();
  }
  waiting = 0;
  const does = {
    '/': () => { document.body.classList.remove('menu-open'); $('words').focus(); $('words').select(); },
    g: () => { waiting = Date.now() + 1500; },
    j: () => walk(1),
    k: () => walk(-1),
    x: () => document.activeElement?.closest('tr')?.querySelector('input[type=checkbox]')?.click(),
    b: () => document.querySelector('[data-verdict]')?.focus(),
    n: () => document.querySelector('[data-next]')?.click(),
    '?': help,
  }[e.key];
  if (!does) return;
  e.preventDefault();
  does();
}

export function start() {
  addEventListener('keydown', press);
  $('help').addEventListener('click', help);
}
