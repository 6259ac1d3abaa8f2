// Columns that several pages' tables share.

import { h } from './dom.js';
import { badge, meter, num, score, when } from './format.js';
import { brief } from './pattern.js';
import { said } from './text.js';

const rank = { confirmed: 4, alert: 3, watch: 2, benign: 1, none: 0 };

export const status = { name: 'Status', kind: 'status', by: (c) => rank[c.status] ?? 0, cell: (c) => badge(c.status) };
export const points = { name: 'Score', kind: 'score', by: (c) => c.score, cell: (c) => (c.score ? meter(c.score, 100, score(c.score)) : h('span', { class: 'faint' }, '–')) }; // 0: not scored
export const prompts = { name: 'Prompts', right: true, by: (c) => c.prompts, cell: (c) => num(c.prompts) };
export const accounts = { name: 'Accounts', right: true, by: (c) => c.accounts, cell: (c) => num(c.accounts) };
export const seen = { name: 'Last seen', kind: 'time', by: (c) => c.last_seen, cell: (c) => when(c.last_seen, 'day') };
export const since = { name: 'First seen', kind: 'time', by: (c) => c.first_seen, cell: (c) => when(c.first_seen, 'day') };

export const campaignLink = (id, row = true) => h('a', { href: `#/campaigns/${encodeURIComponent(id)}`, class: 'id', 'data-row': row }, id);
export const templateLink = (id, row = true) => h('a', { href: `#/templates/${encodeURIComponent(id)}`, class: 'id', 'data-row': row }, id);
export const accountLink = (id, row = true) => h('a', { href: `#/accounts/${encodeURIComponent(id)}`, class: 'id account', 'data-row': row }, said(id));

// linkOf is a link to what a flag or label is about.
export const linkOf = (kind, id, row) => (kind === 'campaign' ? campaignLink(id, row) : templateLink(id, row));

const number = (item) => Number(item.id.slice(1));

export const campaignID = { name: 'Id', kind: 'name', by: number, first: 'asc', cell: (c) => campaignLink(c.id) };
export const templateID = { name: 'Id', kind: 'name', by: number, first: 'asc', cell: (t) => templateLink(t.id) };
export const pattern = { name: 'Pattern', kind: 'main', cell: (item) => brief(item.pattern ?? item.templates?.[0]?.pattern) };

// choose is a row of toggles that filter by status.
export function choose(of, counts, chosen, changed) {
  return h('div', { class: 'chips', role: 'group', 'aria-label': 'Status' }, of.map((s) => h('button', {
    type: 'button', class: `chip ${s}`, 'aria-pressed': String(chosen.has(s)),
    onclick: (e) => {
      if (!chosen.delete(s)) chosen.add(s);
      e.currentTarget.setAttribute('aria-pressed', String(chosen.has(s)));
      changed();
    },
  }, s === 'none' ? 'no status' : s, counts ? h('span', { class: 'count' }, ` ${num(counts[s] || 0)}`) : null)));
}
