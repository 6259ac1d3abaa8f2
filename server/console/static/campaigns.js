// All campaigns: sortable, filterable, two of them comparable.

import * as api from './api.js';
import { attrField } from './attrs.js';
import { spark } from './chart.js';
import { h, show } from './dom.js';
import { many, num } from './format.js';
import { follow } from './live.js';
import { accounts, campaignID, choose, pattern, points, prompts, seen, since, status } from './rows.js';
import { decides } from './session.js';
import { table } from './table.js';
import { pieces } from './text.js';

const statuses = ['confirmed', 'alert', 'watch', 'benign'];

// fold is text as it is searched: without case, and without what cannot be seen.
const fold = (text) => pieces(text).map((p) => p.text ?? p.letter ?? '').join('').toLowerCase();

export async function page(ctx) {
  ctx.title('Campaigns');
  const q = ctx.query;
  let wrong = '';
  const found = await api.all('v1/campaigns', { attr: q.get('attr') }, ctx.signal).catch((err) => {
    if (err.status !== 422) throw err;
    wrong = err.message; // of the filter
    return { items: [] };
  });
  const chosen = new Set((q.get('status') || '').split(',').filter((s) => statuses.includes(s)));
  const marked = new Set();
  const words = h('input', { type: 'search', 'aria-label': 'Pattern contains', placeholder: 'Pattern contains…', value: q.get('q') || '', oninput: filter, spellcheck: 'false' });
  const least = h('input', { type: 'number', min: '0', 'aria-label': 'Accounts at least', placeholder: 'Accounts ≥', value: q.get('min') || '', oninput: filter });
  const attr = attrField(q.get('attr'), () => {
    ctx.keep({ attr: attr.value.trim() });
    ctx.reload();
  });
  const told = h('p', { class: 'faint', role: 'status' });
  const compare = h('a', { class: 'button', 'aria-disabled': 'true' }, 'Compare');
  const fresh = h('p', { class: 'fresh', hidden: true }, h('button', { type: 'button', class: 'link', onclick: () => ctx.reload() }, 'New flags were raised: show the list anew'));
  const counts = {};
  for (const c of found.items) counts[c.status] = (counts[c.status] || 0) + 1;
  const days = found.items.flatMap((c) => [c.days[0]?.day, c.days.at(-1)?.day]).filter(Boolean).sort();
  const range = days.length ? [days[0], days.at(-1)] : undefined;

  const mark = { name: 'Compare', hidden: true, kind: 'mark', cell: (c) => h('input', {
    type: 'checkbox', 'aria-label': `Mark ${c.id} to compare`, ...(marked.has(c.id) ? { checked: true } : {}),
    onchange: (e) => { if (e.target.checked) marked.add(c.id); else marked.delete(c.id); pair(); },
  }) };
  const [column, down] = (q.get('sort') || '').split(' ');
  const list = table({
    caption: 'Campaigns', items: [], empty: found.items.length || q.get('attr') ? 'No campaign matches these filters.' : 'No campaigns: no templates are shared by accounts that act together.',
    sort: column ? { column: column.replace('_', ' '), down: down !== 'up' } : undefined,
    sorted: (s) => ctx.keep({ sort: `${s.column.replace(' ', '_')}${s.down ? '' : ' up'}` }),
    rowKind: (c) => c.status,
    columns: [mark, campaignID, status, points, pattern,
      accounts, prompts, { name: 'Templates', right: true, by: (c) => c.templates.length, cell: (c) => num(c.templates.length) },
      { name: 'Days', kind: 'days-cell', cell: (c) => spark(c.days, 'prompts', { range }) }, since, seen],
  });

  function pair() {
    const [a, b] = marked;
    const ready = marked.size === 2;
    if (ready) compare.href = `#/compare/${a}/${b}`;
    else compare.removeAttribute('href');
    compare.setAttribute('aria-disabled', String(!ready));
    show(compare, ready ? `Compare ${a} with ${b}` : marked.size === 1 ? `Compare ${a} with one more` : marked.size ? 'Compare takes two' : 'Mark two to compare');
  }

  function filter() {
    const text = fold(words.value.trim());
    const min = Number(least.value) || 0;
    const kept = found.items.filter((c) => (!chosen.size || chosen.has(c.status)) && c.accounts >= min && (!text || fold(`${c.id} ${c.templates.map((t) => `${t.id} ${t.pattern}`).join(' ')}`).includes(text)));
    list.update(kept);
    show(told, wrong || (kept.length === found.items.length ? many(kept.length, 'campaign') : `${num(kept.length)} of ${many(found.items.length, 'campaign')}`), found.more ? ', the worst only' : '');
    ctx.keep({ q: words.value.trim(), min: min || '', status: [...chosen].join(',') });
  }

  filter();
  pair();
  follow(ctx.signal, () => { fresh.hidden = false; });
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Campaigns'), told, h('span', { class: 'grow' }),
    decides ? h('a', { class: 'button', href: '#/bundle' }, 'Match a bundle') : null, compare),
    h('div', { class: 'filters' }, choose(statuses, counts, chosen, filter), words, attr, least), fresh, list.el);
}
