// Templates, widest first, as the server filters them.

import * as api from './api.js';
import { h, show } from './dom.js';
import { many, num } from './format.js';
import { accounts, choose, pattern, points, prompts, seen, since, status, templateID } from './rows.js';
import { table } from './table.js';

const statuses = ['confirmed', 'alert', 'watch', 'benign', 'none'];

export async function page(ctx) {
  ctx.title('Templates');
  const q = ctx.query;
  const chosen = new Set((q.get('status') || '').split(',').filter((s) => statuses.includes(s)));
  const field = (name, type, label, attributes) => h('input', { type, name, 'aria-label': label, title: label, value: q.get(name) || '', onchange: () => load(true), ...attributes });
  const least = field('min_accounts', 'number', 'Accounts at least', { min: '0', placeholder: 'Accounts ≥' });
  const from = field('since', 'date', 'Sent since (UTC day)');
  const to = field('until', 'date', 'Sent until (UTC day)');
  const told = h('p', { class: 'faint', role: 'status' });
  const more = h('p');
  let items = [];
  const list = table({ caption: 'Templates', items, empty: 'No template matches these filters.', columns: [templateID, status, points, pattern, accounts, prompts, { name: 'Fixed words', right: true, by: (t) => t.fixed_words, cell: (t) => num(t.fixed_words) }, since, seen] });

  // load asks for the first page, or for the one at a cursor. The server takes
  // one status a question.
  async function load(anew, cursor) {
    const query = { min_accounts: least.value, since: from.value, until: to.value };
    if (anew) ctx.keep({ ...query, status: [...chosen].join(',') });
    const pages = await Promise.all((chosen.size ? [...chosen] : ['']).map((s) => (cursor && !cursor[s] ? { items: [] } : api.get('v1/templates', { ...query, status: s, limit: 50, cursor: cursor?.[s] }, ctx.signal).then((p) => ({ ...p, s })))));
    const next = {};
    for (const p of pages) if (p.next) next[p.s] = p.next;
    items = [...(cursor ? items : []), ...pages.flatMap((p) => p.items)];
    if (chosen.size > 1) items.sort((a, b) => b.accounts - a.accounts);
    list.update(items);
    const rest = Object.keys(next).length > 0;
    show(told, rest ? `the widest ${num(items.length)}` : many(items.length, 'template'));
    show(more, rest ? h('button', { type: 'button', onclick: () => safely(load(false, next)) }, 'Load more') : null);
  }
  const safely = (p) => p.catch((err) => err.name !== 'AbortError' && show(told, err.message));
  await load(false);
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Templates'), told),
    h('div', { class: 'filters' }, choose(statuses, null, chosen, () => safely(load(true))), least, h('label', { class: 'row' }, 'from ', from), h('label', { class: 'row' }, 'to ', to)), list.el, more);
}
