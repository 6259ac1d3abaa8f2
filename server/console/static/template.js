// One template: its words, what fills its slots, exemplars, accounts, verdict.

import * as api from './api.js';
import { days } from './chart.js';
import { h } from './dom.js';
import { fact, facts } from './campaign.js';
import { factors } from './factors.js';
import { badge, many, num, score } from './format.js';
import { kin } from './kin.js';
import { members } from './members.js';
import { filled, whole } from './pattern.js';
import { campaignLink } from './rows.js';
import { askFor } from './similar.js';
import { said } from './text.js';
import { panel } from './verdict.js';

export async function page(ctx) {
  const [id] = ctx.args;
  const [t, calendar, found] = await Promise.all([
    api.template(id, ctx.signal), api.get(`v1/templates/${encodeURIComponent(id)}/days`, {}, ctx.signal), api.all('v1/campaigns', { template: id }, ctx.signal),
  ]);
  ctx.title(`${t.id}, ${t.status === 'none' ? 'template' : t.status}`);
  const verdict = await panel('template', t.id, { signal: ctx.signal, changed: () => ctx.reload() });
  const related = await kin(t, { signal: ctx.signal, changed: () => ctx.reload() });
  const box = facts(t);
  box.prepend(fact('Campaign', found.items.length ? found.items.map((c) => [campaignLink(c.id), ' ', badge(c.status), ' ']) : h('span', { class: 'faint' }, 'none')));
  box.append(fact('Fixed words', num(t.fixed_words)));
  return h('article', {},
    h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Template ', h('span', { class: 'id' }, t.id)), badge(t.status),
      t.factors?.length ? h('span', { class: 'big-score', title: 'score, of 100' }, score(t.score)) : null),
    box,
    h('div', { class: 'columns' },
      h('section', { class: 'panel' }, h('h2', {}, 'Pattern'), whole(t), slots(t.slots || [])),
      h('aside', { class: 'narrow', 'aria-label': 'Judgement' },
        h('section', { class: 'panel' }, h('h2', {}, 'Verdict'), verdict),
        h('section', { class: 'panel' }, h('h2', {}, 'Why'), factors(t.factors, t.score))),
      h('div', { class: 'wide' },
        h('section', { class: 'panel' }, h('h2', {}, 'Day by day'),
          days({ label: `Prompts and new accounts of ${t.id} by day`, items: calendar.items, height: 190, series: [{ field: 'prompts', name: 'prompts', kind: 'c-main' }], below: { field: 'new_accounts', name: 'new accounts', kind: 'c-new' } })),
        related,
        h('section', { class: 'panel' }, h('h2', {}, many(t.exemplars?.length || 0, 'exemplar')), exemplars(t)),
        h('section', { class: 'panel' }, h('h2', {}, many(t.accounts, 'account')), members(t.members || [])))));
}

function slots(all) {
  if (!all.length) return h('p', { class: 'faint' }, 'Nothing varies in it.');
  return [h('h3', {}, 'What fills the slots'), h('ol', { class: 'slots' }, all.map((s) => h('li', {},
    h('span', { class: 'faint' }, many(s.distinct, 'filling')), h('ul', {}, s.examples.map((e) => said(e, 'li'))))))];
}

function exemplars(t) {
  const all = t.exemplars || [];
  if (!all.length) return h('p', { class: 'note' }, 'This index keeps no prompts.');
  const same = new Map();
  for (const e of all) same.set(e, (same.get(e) || 0) + 1);
  return h('ol', { class: 'exemplars' }, [...same].map(([text, n]) => h('li', {}, n > 1 ? h('div', { class: 'faint' }, `${num(n)} times the same`) : null, filled(t, text),
    h('p', {}, h('button', { type: 'button', class: 'link', onclick: () => askFor(text) }, 'Who sent something like this?')))));
}
