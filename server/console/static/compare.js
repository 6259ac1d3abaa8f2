// Two campaigns side by side, and what they share.

import * as api from './api.js';
import { days } from './chart.js';
import { h } from './dom.js';
import { facts } from './campaign.js';
import { badge, many, num, percent, score, signed } from './format.js';
import { brief } from './pattern.js';
import { accountLink, campaignLink, templateLink } from './rows.js';

export async function page(ctx) {
  const both = await Promise.all(ctx.args.map((id) => api.campaign(id, ctx.signal)));
  const [a, b] = both;
  ctx.title(`${a.id} and ${b.id}`);
  const ids = new Set((b.members || []).map((m) => m.account));
  const shared = (a.members || []).map((m) => m.account).filter((id) => ids.has(id));
  const parts = new Set(b.templates.map((t) => t.id));
  const common = a.templates.filter((t) => parts.has(t.id));
  const all = both.flatMap((c) => c.days.map((d) => d.day)).sort();
  const range = all.length ? [all[0], all.at(-1)] : undefined;
  const union = a.accounts + b.accounts - shared.length;
  return h('article', { class: 'compare' },
    h('h1', { tabindex: '-1' }, 'Compare ', h('span', { class: 'id' }, a.id), ' with ', h('span', { class: 'id' }, b.id)),
    h('section', { class: 'panel' }, h('h2', {}, 'Shared'),
      h('p', {}, shared.length ? `${many(shared.length, 'account')}: ${percent(shared.length / a.accounts)} of ${a.id}, ${percent(shared.length / b.accounts)} of ${b.id}, ${percent(shared.length / union)} of both together.` : 'No account is a member of both.',
        ' ', common.length ? `${many(common.length, 'template')} in both.` : 'No template is in both.', ' ', overlap(a, b)),
      shared.length ? h('ul', { class: 'inline' }, shared.slice(0, 60).map((id) => h('li', {}, accountLink(id))), shared.length > 60 ? h('li', { class: 'faint' }, `and ${num(shared.length - 60)} more`) : null) : null),
    h('div', { class: 'sides' }, both.map((c) => h('section', { class: 'panel', 'aria-label': c.id },
      h('div', { class: 'head' }, h('h2', {}, campaignLink(c.id)), badge(c.status), h('span', { class: 'big-score', title: 'score, of 100' }, score(c.score))), facts(c),
      h('h3', {}, 'Day by day'), days({ label: `Prompts and new accounts of ${c.id} by day`, items: c.days, beside: (c === a ? b : a).days, range, height: 150, series: [{ field: 'prompts', name: 'prompts', kind: 'c-main' }], below: { field: 'new_accounts', name: 'new accounts', kind: 'c-new' } }),
      h('h3', {}, many(c.templates.length, 'template')), h('ol', { class: 'patterns' }, c.templates.slice(0, 12).map((t) => h('li', {}, h('div', { class: 'row' }, templateLink(t.id), h('span', { class: 'faint' }, many(t.accounts, 'account'))), brief(t.pattern, 'three')))),
      c.templates.length > 12 ? h('p', { class: 'faint' }, `and ${num(c.templates.length - 12)} more`) : null))),
    h('section', { class: 'panel' }, h('h2', {}, 'Points side by side'), points(a, b)));
}

function overlap(a, b) {
  const from = a.first_seen > b.first_seen ? a.first_seen : b.first_seen;
  const to = a.last_seen < b.last_seen ? a.last_seen : b.last_seen;
  return from <= to ? `Both were active from ${from.slice(0, 10)} to ${to.slice(0, 10)}.` : 'They were never active at the same time.';
}

function points(a, b) {
  const names = [...new Set([...a.factors, ...b.factors].map((f) => f.name))];
  const of = (c, name) => c.factors.find((f) => f.name === name);
  const cell = (f) => (f ? [h('span', { class: `points ${f.points < 0 ? 'against' : Math.abs(f.points) < 0.05 ? 'nothing' : 'for'}` }, signed(f.points)), ' ', h('span', {}, f.text)] : h('span', { class: 'faint' }, '–'));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Points side by side' }, h('table', { class: 'plain pairs' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Factor'), h('th', { scope: 'col' }, a.id), h('th', { scope: 'col' }, b.id))),
    h('tbody', {}, names.map((n) => h('tr', {}, h('th', { scope: 'row' }, n), h('td', {}, cell(of(a, n))), h('td', {}, cell(of(b, n))))))));
}
