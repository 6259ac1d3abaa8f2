// Full-text search over patterns and exemplars.

import * as api from './api.js';
import { h, show } from './dom.js';
import { many, num } from './format.js';
import { brief } from './pattern.js';
import { accountLink, accounts, choose, points, prompts, seen, status, templateID } from './rows.js';
import { table } from './table.js';
import { visible } from './text.js';

const statuses = ['confirmed', 'alert', 'watch', 'benign', 'none'];
const hints = [['solve steps', 'both words, anywhere'], ['"step by step"', 'the words in a row'], ['transl*', 'words that begin so'], ['examiner~', 'words that are nearly so'],
  ['tutor OR teacher', 'one of the two'], ['-pirate', 'not this word']];

export async function page(ctx) {
  const q = ctx.query.get('q') || '';
  ctx.title(q ? 'Search results' : 'Search');
  const chosen = new Set((ctx.query.get('status') || '').split(',').filter((s) => statuses.includes(s)));
  const words = h('input', { id: 'q', type: 'search', value: q, maxlength: '400', spellcheck: 'false', 'aria-label': 'Words', placeholder: 'Words of a template', 'data-focus': !q });
  const form = h('form', { class: 'filters', onsubmit: (e) => {
    e.preventDefault();
    location.hash = `#/search?q=${encodeURIComponent(words.value.trim())}`;
  } }, words, h('button', { class: 'main' }, 'Search'));
  const help = h('dl', { class: 'keys' }, hints.map(([k, what]) => [h('dt', {}, h('code', {}, k)), h('dd', { class: 'faint' }, what)]));
  if (!q.trim()) {
    await api.stats(ctx.signal); // says when the reader has to sign in
    return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Search')), form, help);
  }
  const told = h('p', { class: 'faint', role: 'status' });
  const more = h('p');
  const facets = h('div', { class: 'filters' });
  const range = h('select', { 'aria-label': 'Accounts', onchange: () => load() });
  let least = ctx.query.get('min') || '';
  range.addEventListener('input', () => { least = range.value; });
  let items = [];
  const list = table({
    caption: 'Templates found', items, empty: 'No template has these words.',
    columns: [templateID, status, points, { name: 'Where', kind: 'main', cell: where }, accounts, prompts, seen],
  });

  const fresh = api.latest(ctx.signal);

  async function load(cursor) {
    const found = await api.get('v1/search', { q, status: [...chosen].join(','), min_accounts: least, limit: 50, cursor }, fresh());
    items = [...(cursor ? items : []), ...found.items];
    list.update(items);
    ctx.keep({ status: [...chosen].join(','), min: least });
    show(told, many(found.total ?? items.length, 'template'), found.complete === false ? '; the search index is being built, so there may be more' : '');
    show(more, found.next ? h('button', { type: 'button', onclick: () => safely(load(found.next)) }, 'Load more') : null);
    show(facets, choose(statuses, found.facets?.status || {}, chosen, () => safely(load())), found.facets?.accounts ? range : null);
    show(range, h('option', { value: '', selected: !least }, 'any accounts'), (found.facets?.accounts || []).filter((r) => r.from > 1).map((r) => h('option', { value: r.from, selected: String(r.from) === least }, `${num(r.from)} accounts and more`)));
  }
  const safely = (p) => p.catch((err) => err.name !== 'AbortError' && show(told, err.message));

  try {
    await load();
  } catch (err) {
    if (err.status === 400 || err.status === 422) return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Search')), form, h('p', { class: 'error', role: 'alert' }, err.message), help);
    if (![404, 405, 501, 503].includes(err.status)) throw err;
    return h('section', {}, h('h1', { tabindex: '-1' }, 'Search'),
      h('p', { class: 'note' }, err.status === 503 ? 'Full-text search is not ready yet: its index is being built.' : 'This server has no full-text search.', ' ', h('a', { href: `#/templates?q=${encodeURIComponent(q)}` }, 'Look for it in patterns instead'), '.'));
  }
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Search'), told), form, facets, list.el, more,
    /\s/.test(q.trim()) ? null : h('p', { class: 'after' }, 'Or open the account ', accountLink(q.trim(), false)));
}

// where shows the pieces of a template that were asked for.
function where(t) {
  if (!t.highlights?.length) return brief(t.pattern);
  return t.highlights.map((piece) => h('div', { class: 'said found', dir: 'auto' }, piece.field === 'exemplar' ? h('span', { class: 'faint' }, 'in a prompt: ') : null,
    piece.parts.map((p) => (p.hit ? h('mark', {}, visible(p.text)) : visible(p.text)))));
}
