// Templates, widest first, as the server filters them.

import * as api from './api.js';
import { attrField } from './attrs.js';
import { h, show } from './dom.js';
import { many, num } from './format.js';
import { accounts, choose, pattern, points, prompts, seen, since, status, templateID } from './rows.js';
import { table } from './table.js';

const statuses = ['confirmed', 'alert', 'watch', 'benign', 'none'];

export async function page(ctx) {
  ctx.title('Templates');
  const q = ctx.query;
  const chosen = new Set((q.get('status') || '').split(',').filter((s) => statuses.includes(s)));
  const field = (name, type, label, attributes) => h('input', { type, name, 'aria-label': label, title: label, value: q.get(name) || '', onchange: () => safely(load()), ...attributes });
  const words = field('q', 'search', 'Pattern contains', { placeholder: 'Pattern contains…', spellcheck: 'false' });
  const attr = attrField(q.get('attr'), () => safely(load()));
  const least = field('min_accounts', 'number', 'Accounts at least', { min: '0', placeholder: 'Accounts ≥' });
  const from = field('since', 'date', 'Sent since (UTC day)');
  const to = field('until', 'date', 'Sent until (UTC day)');
  const told = h('p', { class: 'faint', role: 'status' });
  const more = h('p');
  let items = [];
  const list = table({ caption: 'Templates', items, empty: 'No template matches these filters.', columns: [templateID, status, points, pattern, accounts, prompts, { name: 'Fixed words', right: true, by: (t) => t.fixed_words, cell: (t) => num(t.fixed_words) }, since, seen] });

  const fresh = api.latest(ctx.signal);

  // load asks for the first page, or for the one at a cursor.
  async function load(cursor) {
    const query = { q: words.value.trim(), attr: attr.value.trim(), min_accounts: least.value, since: from.value, until: to.value, status: [...chosen].join(',') };
    ctx.keep(query);
    show(told, 'looking…');
    const found = await api.get('v1/templates', { ...query, limit: 50, cursor }, fresh());
    items = [...(cursor ? items : []), ...found.items];
    list.update(items);
    show(told, found.next ? `the widest ${num(items.length)}` : many(items.length, 'template'));
    show(more, found.next ? h('button', { type: 'button', onclick: () => safely(load(found.next)) }, 'Load more') : null);
  }
  const safely = (p) => p.catch((err) => err.name !== 'AbortError' && show(told, err.message));
  await load();
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Templates'), told),
    h('div', { class: 'filters' }, choose(statuses, null, chosen, () => safely(load())), words, attr, least, h('label', { class: 'row' }, 'from ', from), h('label', { class: 'row' }, 'to ', to)), list.el, more);
}
