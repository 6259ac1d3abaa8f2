// Another provider's bundle: which of one's own templates and campaigns it
// matches. Nothing is kept.

import * as api from './api.js';
import { h, show } from './dom.js';
import { badge, many, num, percent } from './format.js';
import { brief } from './pattern.js';
import { campaignLink, templateLink } from './rows.js';
import { decides, name } from './session.js';
import { keyField } from './share.js';
import { table } from './table.js';

const states = { matched: 'found here', clear: 'not found', otherkey: 'made with another key', bare: 'too few fixed words' };
const rank = ['bare', 'otherkey', 'clear', 'matched'];

export async function page(ctx) {
  ctx.title('Match a bundle');
  await api.stats(ctx.signal); // says when the reader has to sign in
  const file = h('input', { id: 'file', type: 'file', accept: '.json,application/json,application/stix+json', required: true, 'data-focus': true });
  const key = keyField('key', false);
  const button = h('button', { class: 'main' }, 'Match');
  const result = h('div', { 'aria-live': 'polite' });
  const list = table({
    caption: 'Indicators of the bundle', items: [], sort: { column: 'Here', down: true }, columns: [
      { name: 'Here', kind: 'status', by: (f) => rank.indexOf(f.state), cell: (f) => h('span', { class: f.state === 'matched' ? '' : 'faint' }, states[f.state] || f.state) },
      { name: 'Pattern', kind: 'main', cell: (f) => brief(f.pattern) },
      { name: 'Contained', right: true, by: (f) => f.templates[0]?.contained ?? 0, cell: (f) => (f.templates.length ? percent(f.templates[0].contained) : '–') },
      { name: 'Own templates', cell: (f) => some(f.templates.map((t) => templateLink(t.id, false))) },
      { name: 'Own campaigns', cell: (f) => some(f.campaigns.map((c) => [campaignLink(c.id), ' ', badge(c.status)])) },
    ],
  });

  async function match(e) {
    e.preventDefault();
    show(result);
    button.disabled = true;
    try {
      let bundle;
      try {
        bundle = JSON.parse(await file.files[0].text());
      } catch {
        throw new Error('The file is no JSON.');
      }
      const { items } = await api.importBundle(bundle, key.value);
      const of = (state) => items.filter((f) => f.state === state).length;
      const idle = of('otherkey');
      list.update(items);
      show(result, h('p', {}, `${num(of('matched'))} of ${many(items.length, 'indicator')} found here.`,
        idle ? ` ${num(idle)} made with another key: ${key.value ? 'is this the one that was used?' : 'enter it above.'}` : ''), list.el);
    } catch (err) {
      show(result, h('p', { class: 'error', role: 'alert' }, err.message));
    } finally {
      button.disabled = false;
    }
  }

  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Match a bundle')),
    h('p', { class: 'faint' }, 'What another provider exported as STIX: which of your own templates contain at least 60 % of its words, and in which campaigns they are. Nothing is kept.'),
    decides ? h('form', { class: 'panel ask', onsubmit: match }, h('label', { for: 'file' }, 'Bundle'), file,
      h('label', { for: 'key' }, 'Key, if it was made with one'), key, h('div', { class: 'filters' }, h('span', { class: 'grow' }), button)) : h('p', { class: 'note' }, `The token ${name} may look, but not match bundles: that takes the role decide.`),
    result);
}

// some are a few of many links.
const some = (links) => [links.slice(0, 4).map((l) => [l, ' ']), links.length > 4 ? h('span', { class: 'faint' }, `and ${num(links.length - 4)} more`) : null];
