// Full-text search over patterns and exemplars.

import * as api from './api.js';
import { $, h } from './dom.js';
import { many } from './format.js';
import { accountLink, accounts, pattern, points, prompts, seen, status, templateID } from './rows.js';
import { table } from './table.js';

export async function page(ctx) {
  const q = ctx.query.get('q') || '';
  ctx.title(q ? 'Search results' : 'Search');
  if ($('words').value === '') $('words').value = q;
  let found;
  try {
    found = await api.get('v1/search', { q, limit: 50 }, ctx.signal);
  } catch (err) {
    if (![404, 405, 501, 503].includes(err.status)) throw err;
    return h('section', {}, h('h1', { tabindex: '-1' }, 'Search'),
      h('p', { class: 'note' }, 'This server has no full-text search', err.status === 503 ? ' at the moment: it is being built.' : '.', ' ', h('a', { href: `#/campaigns?q=${encodeURIComponent(q)}` }, 'Look in the patterns of campaigns instead'), '.'));
  }
  const list = table({
    caption: 'Templates found', items: found.items, empty: 'No template has these words.',
    columns: [templateID, status, points, pattern, accounts, prompts, seen],
  });
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Search'), h('p', { class: 'faint', role: 'status' }, many(found.items.length, 'template'))), list.el,
    /\s/.test(q) ? null : h('p', {}, 'Or open the account ', accountLink(q)));
}
