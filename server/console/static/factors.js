// The reasons for and against, each with its points.

import { h } from './dom.js';
import { score as short, signed } from './format.js';

const sides = [
  ['Speaks for a campaign', (f) => f.points >= 0.05, (a, b) => b.points - a.points],
  ['Speaks against', (f) => f.points <= -0.05, (a, b) => a.points - b.points],
  ['Weighs nothing here', (f) => Math.abs(f.points) < 0.05, () => 0],
];

// factors lists them by side, the weightiest first.
export function factors(all, score) {
  if (!all?.length) return h('p', { class: 'note' }, 'Too few accounts to be scored.');
  const most = Math.max(30, ...all.map((f) => Math.abs(f.points)));
  return h('div', { class: 'factors' }, sides.map(([title, takes, order]) => {
    const some = all.filter(takes).sort(order);
    if (!some.length) return null;
    return [h('h3', {}, title), h('ul', {}, some.map((f) => h('li', {},
      h('span', { class: `points ${f.points < 0 ? 'against' : f.points < 0.05 ? 'nothing' : 'for'}` }, signed(f.points)),
      h('span', { class: 'why' }, h('b', {}, f.name), ' ', f.text,
        h('span', { class: `weight ${f.points < 0 ? 'against' : ''}`, 'aria-hidden': 'true' }, h('span', { css: { width: `${(100 * Math.abs(f.points)) / most}%` } }))))))];
  }), h('p', { class: 'sum' }, h('span', { class: 'points' }, short(score)), h('span', {}, 'of 100 points')));
}
