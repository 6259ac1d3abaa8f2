// Charts of days, as SVG. Each has a sentence that says what it shows, and its
// numbers in a table behind a fold.

import { h, show, svg, unique } from './dom.js';
import { many, num } from './format.js';
import { lines, tip } from './tip.js';

const dayMs = 86_400_000;

// calendar fills the gaps between days, and gathers weeks where there are too
// many days to show. Each entry has day, last and the sums of the fields.
export function calendar(days, fields, most = 180) {
  if (!days.length) return [];
  const first = Date.parse(days[0].day);
  const n = Math.round((Date.parse(days.at(-1).day) - first) / dayMs) + 1;
  const width = Math.ceil(n / most);
  const out = Array.from({ length: Math.ceil(n / width) }, (_, i) => {
    const from = first + i * width * dayMs;
    const e = { day: iso(from), last: iso(Math.min(from + (width - 1) * dayMs, first + (n - 1) * dayMs)) };
    for (const f of fields) e[f] = 0;
    return e;
  });
  for (const d of days) {
    const e = out[Math.floor(Math.round((Date.parse(d.day) - first) / dayMs) / width)];
    for (const f of fields) e[f] += d[f] || 0;
  }
  return out;
}

const iso = (ms) => new Date(ms).toISOString().slice(0, 10);

// nice is a round number from n on, for the top of an axis.
export function nice(n) {
  if (n <= 1) return 1;
  const p = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 2.5, 5, 10].map((m) => m * p).find((m) => m >= n && Number.isInteger(m)) || Math.ceil(n);
}

const span = (e) => (e.day === e.last ? e.day : `${e.day} to ${e.last}`);

// days draws bars: series stand on the axis on top of each other, below hang
// from it.
//   label: what the chart shows
//   series: [{field, name, kind}], below: one more such
//   mark: {day, name} is a vertical line
//   range: [first, last] days to show, where others are beside it
//   beside: items of the other chart, so that both have the same scale
export function days({ label, items, series, below, mark, height = 150, range, beside = [] }) {
  const fields = [...series, ...(below ? [below] : [])].map((s) => s.field);
  const padded = (some) => (range ? [{ day: range[0] }, ...some, { day: range[1] }] : some);
  const all = calendar(padded(items), fields);
  const scale = [...all, ...(beside.length ? calendar(padded(beside), fields) : [])];
  if (!all.length) return h('p', { class: 'note' }, 'No days yet.');
  const box = h('div', { class: 'chart', css: { height: `${height}px` } });
  const draw = () => show(box, paint(all, scale, { label, series, below, mark, height, width: box.clientWidth }));
  new ResizeObserver(draw).observe(box);
  const table = h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Day'), [...series, ...(below ? [below] : [])].map((s) => h('th', { scope: 'col', class: 'right' }, s.name)))),
    h('tbody', {}, all.map((e) => h('tr', {}, h('th', { scope: 'row' }, span(e)), fields.map((f) => h('td', { class: 'right' }, num(e[f])))))));
  return h('figure', { class: 'days' },
    h('figcaption', { class: 'legend' }, [...series, ...(below ? [below] : [])].map((s) => h('span', {}, h('i', { class: `key ${s.kind}`, 'aria-hidden': 'true' }), s.name))),
    box, h('details', { class: 'numbers' }, h('summary', {}, 'As a table'), h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, table)));
}

function paint(all, scale, { label, series, below, mark, height, width }) {
  if (width < 40) return null;
  const left = 44;
  const foot = 18;
  const top = mark ? 18 : 8;
  const total = (e) => series.reduce((n, s) => n + e[s.field], 0);
  const up = nice(Math.max(1, ...scale.map(total)));
  const down = below ? nice(Math.max(1, ...scale.map((e) => e[below.field]))) : 0;
  const space = height - foot - top;
  const upper = below ? Math.round(space * 0.68) : space;
  const axis = top + upper;
  const lower = space - upper;
  const slot = (width - left) / all.length;
  const bar = Math.max(1, Math.min(34, slot * 0.74));
  const x = (i) => left + i * slot + (slot - bar) / 2;
  const id = unique('chart');
  const el = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': id }, svg('title', { id }, describe(all, label, series, below)));
  const line = (y, text) => [svg('line', { class: 'grid', x1: left, x2: width, y1: y, y2: y }), svg('text', { class: 'tick', x: left - 6, y: y + 4, 'text-anchor': 'end' }, text)];
  el.append(...line(top + 0.5, num(up)));
  if (up % 2 === 0) el.append(...line(Math.round(axis - upper / 2) + 0.5, num(up / 2)));
  if (below) el.append(...line(axis + lower - 0.5, num(down)));
  all.forEach((e, i) => {
    const group = svg('g', { class: 'day' }, svg('rect', { class: 'hit', x: left + i * slot, y: top, width: slot, height: space }));
    let y = axis;
    for (const s of series) {
      const t = (upper * e[s.field]) / up;
      if (t > 0) group.append(svg('rect', { class: s.kind, x: x(i), y: (y -= t), width: bar, height: t }));
    }
    if (below && e[below.field]) group.append(svg('rect', { class: below.kind, x: x(i), y: axis + 1, width: bar, height: Math.max(1, ((lower - 2) * e[below.field]) / down) }));
    tip(group, () => lines(span(e), ...[...series, ...(below ? [below] : [])].map((s) => `${s.name}: ${num(e[s.field])}`)));
    el.append(group);
  });
  el.append(svg('line', { class: 'axis', x1: left, x2: width, y1: axis + 0.5, y2: axis + 0.5 }));
  const every = Math.max(1, Math.ceil(58 / slot));
  for (let i = 0; i < all.length; i += every) {
    if (left + i * slot + 40 > width && i > 0) break;
    el.append(svg('text', { class: 'tick', x: Math.max(left, left + i * slot + slot / 2 - 16), y: height - 4 }, all[i].day.slice(5)));
  }
  const at = mark ? all.findIndex((e) => e.day <= mark.day && mark.day <= e.last) : -1;
  if (at >= 0) {
    const mx = left + at * slot + slot / 2;
    el.append(svg('line', { class: 'flagged', x1: mx, x2: mx, y1: top - 14, y2: axis + lower }),
      svg('text', { class: 'flagged', x: mx + (mx > width - 70 ? -5 : 5), y: top - 6, 'text-anchor': mx > width - 70 ? 'end' : 'start' }, mark.name));
  }
  return el;
}

function describe(all, label, series, below) {
  const sums = [...series, ...(below ? [below] : [])].map((s) => {
    const most = all.reduce((a, b) => (b[s.field] > a[s.field] ? b : a));
    return `${s.name} ${num(all.reduce((n, e) => n + e[s.field], 0))}, most on ${span(most)}: ${num(most[s.field])}`;
  });
  return `${label}: ${many(all.length, all[0].day === all[0].last ? 'day' : 'span')} from ${all[0].day} to ${all.at(-1).last}. ${sums.join('. ')}.`;
}

// spark is a small chart of days without axes, hidden from those who cannot
// see it: what it shows stands beside it.
export function spark(items, field, { width = 96, height = 22, range } = {}) {
  const all = calendar(range ? [{ day: range[0] }, ...items, { day: range[1] }] : items, [field], 48);
  const most = Math.max(1, ...all.map((e) => e[field]));
  const slot = width / Math.max(1, all.length);
  const w = Math.max(1, Math.min(7, slot - 1));
  return svg('svg', { class: 'spark', width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    all.map((e, i) => svg('rect', { class: e[field] ? 'on' : 'off', x: i * slot, width: w, y: e[field] ? height - Math.max(2, (height * e[field]) / most) : height - 1, height: e[field] ? Math.max(2, (height * e[field]) / most) : 1 })));
}
