// Kin of templates: the variants of one, and what comes in the same prompts.

import * as api from './api.js';
import { h } from './dom.js';
import { badge, many, num } from './format.js';
import { brief } from './pattern.js';
import { templateLink } from './rows.js';
import { panel } from './verdict.js';

const shown = 25; // of a family or bundle

// families takes the first of each family, in order, with its variants.
export function families(templates) {
  const found = new Map();
  for (const t of templates) {
    const name = t.family || t.id;
    if (found.has(name)) found.get(name).variants.push(t);
    else found.set(name, { t, variants: [] });
  }
  return [...found.values()];
}

// line shows a template in a list.
export const line = (t) => h('li', {}, h('div', { class: 'row' }, templateLink(t.id), t.status && t.status !== 'none' ? badge(t.status) : null, h('span', { class: 'faint' }, many(t.accounts, 'account'))), brief(t.pattern));

// kin is a panel each for the variants of a template and for what comes
// together with it, where there are such. changed is called after a verdict.
export async function kin(t, { signal, changed }) {
  const [variants, together] = await Promise.all([others(t, 'family', signal), others(t, 'bundle', signal)]);
  return [
    variants && h('section', { class: 'panel' }, h('h2', {}, `${t.variants === 1 ? 'A variant' : `${num(t.variants)} variants`} of it`), variants),
    together && h('section', { class: 'panel' }, h('h2', {}, 'Comes together with'), together, await verdict(t.bundle, { signal, changed })),
  ];
}

async function others(t, by, signal) {
  if (!t[by]) return null;
  const found = await api.get('v1/templates', { [by]: t[by], limit: shown }, signal);
  const list = found.items.filter((o) => o.id !== t.id);
  if (!list.length) return null;
  return [h('ol', { class: 'patterns' }, list.map(line)), found.next ? h('p', { class: 'faint' }, 'and others that fewer accounts send') : null];
}

// verdict is the form for a whole bundle, folded away.
async function verdict(id, { signal, changed }) {
  return h('details', {}, h('summary', {}, 'Verdict on all of them at once'), await panel('bundle', id, { signal, changed }));
}
