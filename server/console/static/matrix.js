// Who sent which template of a campaign: templates as lines, accounts as
// columns, stronger in colour where more prompts were sent. A canvas, since there may be
// thousands of accounts; the keyboard moves a cell, and a sentence tells it.

import { h, show, unique } from './dom.js';
import { many, num } from './format.js';
import { said, pieces } from './text.js';
import { at as tipAt, hide, lines } from './tip.js';

const plain = (text) => pieces(text).map((p) => p.text ?? p.letter ?? `[${p.name}]`).join('');

const high = 450; // pixels that all templates have, where they fit

export function matrix(m) {
  const rows = m.templates.length;
  const columns = m.accounts.length;
  if (!rows || !columns) return h('p', { class: 'note' }, 'No prompts to show.');
  const cells = new Map(m.cells.map(([a, t, n]) => [t * columns + a, n]));
  const most = m.cells.reduce((n, c) => Math.max(n, c[2]), 1);
  const tall = Math.max(10, Math.min(20, Math.floor(high / rows)));
  const canvas = h('canvas', { tabindex: '0', role: 'img' });
  const scroll = h('div', { class: 'matrix-cells' }, canvas);
  const names = h('ol', { class: 'matrix-names', css: { '--tall': `${tall}px` } }, m.templates.map((t) => h('li', {}, h('a', { href: `#/templates/${t}`, tabindex: rows > 12 ? '-1' : null }, t))));
  const reading = h('p', { class: 'matrix-reading', 'aria-live': 'polite' });
  let wide = 8;
  let cursor = null;
  const sentence = `${many(m.templates.length, 'template')} by ${many(columns, 'account')}, ${many(m.cells.length, 'cell')} with prompts, at most ${many(most, 'prompt')} in one. Arrow keys move, Enter opens the account.`;
  canvas.setAttribute('aria-label', sentence);

  const tell = (a, t) => `${plain(m.accounts[a])} · ${m.templates[t]} · ${many(cells.get(t * columns + a) || 0, 'prompt')}`;

  function draw() {
    const room = scroll.clientWidth;
    if (!room) return;
    wide = Math.max(4, Math.min(20, Math.floor(room / columns)));
    const [w, t] = [wide * columns, tall * rows];
    const dpr = w * t * devicePixelRatio ** 2 > 16e6 ? 1 : devicePixelRatio;
    canvas.width = Math.round(w * dpr);
    canvas.height = Math.round(t * dpr);
    canvas.style.width = `${w}px`;
    canvas.style.height = `${t}px`;
    const g = canvas.getContext('2d');
    const style = getComputedStyle(canvas); // its colours are those of cells with and without prompts, and of the cursor
    g.scale(dpr, dpr);
    g.clearRect(0, 0, w, t);
    const gap = wide > 5 ? 1 : 0;
    g.fillStyle = style.borderTopColor;
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) if (!cells.has(y * columns + x)) g.fillRect(x * wide, y * tall, wide - gap, tall - 1);
    g.fillStyle = style.color;
    for (const [key, n] of cells) {
      g.globalAlpha = 0.28 + 0.72 * (most > 1 ? Math.log(n) / Math.log(most) : 1);
      g.fillRect((key % columns) * wide, Math.floor(key / columns) * tall, wide - gap, tall - 1);
    }
    g.globalAlpha = 1;
    if (cursor) {
      g.strokeStyle = style.caretColor;
      g.lineWidth = 2;
      g.strokeRect(cursor[0] * wide, cursor[1] * tall, wide - gap, tall - 1);
    }
  }

  function move(a, t) {
    cursor = [Math.max(0, Math.min(columns - 1, a)), Math.max(0, Math.min(rows - 1, t))];
    show(reading, tell(...cursor));
    draw();
    const x = cursor[0] * wide;
    if (x < scroll.scrollLeft || x + wide > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = x - scroll.clientWidth / 2;
  }

  const of = (e) => {
    const r = canvas.getBoundingClientRect();
    const [a, t] = [Math.floor((e.clientX - r.left) / wide), Math.floor((e.clientY - r.top) / tall)];
    return a >= 0 && a < columns && t >= 0 && t < rows ? [a, t] : null;
  };
  const open = (a) => { location.hash = `#/accounts/${encodeURIComponent(m.accounts[a])}`; };
  canvas.addEventListener('pointermove', (e) => {
    const cell = of(e);
    if (!cell) return hide();
    const n = cells.get(cell[1] * columns + cell[0]) || 0;
    tipAt(e.clientX, e.clientY, lines(plain(m.accounts[cell[0]]), `${m.templates[cell[1]]}: ${many(n, 'prompt')}`));
  });
  canvas.addEventListener('pointerleave', hide);
  canvas.addEventListener('click', (e) => of(e) && open(of(e)[0]));
  canvas.addEventListener('focus', () => cursor || move(0, 0));
  canvas.addEventListener('keydown', (e) => {
    const [a, t] = cursor || [0, 0];
    const to = { ArrowLeft: [a - 1, t], ArrowRight: [a + 1, t], ArrowUp: [a, t - 1], ArrowDown: [a, t + 1], Home: [0, t], End: [columns - 1, t] }[e.key];
    if (e.key === 'Enter') open(a);
    else if (to) move(...to);
    else return;
    e.preventDefault();
  });
  addEventListener('themechange', () => canvas.isConnected && draw());
  new ResizeObserver(draw).observe(scroll);

  const id = unique('matrix');
  const table = h('details', { class: 'numbers' }, h('summary', {}, 'As a table'));
  table.addEventListener('toggle', () => {
    if (!table.open || table.children.length > 1) return;
    const some = Math.min(columns, 500);
    table.append(h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': id }, h('table', { class: 'plain' },
      h('caption', { class: 'hidden', id }, 'Prompts by account and template'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Account'), m.templates.map((t) => h('th', { scope: 'col', class: 'right' }, t)))),
      h('tbody', {}, m.accounts.slice(0, some).map((name, a) => h('tr', {}, h('th', { scope: 'row' }, said(name)), m.templates.map((_, t) => h('td', { class: 'right' }, cells.has(t * columns + a) ? num(cells.get(t * columns + a)) : ''))))))),
    some < columns ? h('p', { class: 'faint' }, `The first ${num(some)} accounts; the export has all.`) : null);
  });
  const total = m.members ?? columns;
  return h('div', { class: 'matrix' }, h('div', { class: 'matrix-box' }, names, scroll), reading,
    h('p', { class: 'faint' }, `${many(total, 'account')} from left to right, those that sent most templates first`, total > columns ? `; the first ${num(columns)} are shown.` : '.', ' The stronger the colour, the more prompts.', rows * tall > high ? ' Scroll for the other templates.' : ''), table);
}
