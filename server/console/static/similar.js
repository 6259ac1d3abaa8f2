// Who sent something like this? The text stays in the page: not in its address.

import * as api from './api.js';
import { h, show } from './dom.js';
import { many, meter, percent, when } from './format.js';
import { accountLink, templateLink } from './rows.js';
import { table } from './table.js';
import { said } from './text.js';

let asked = { text: '', min: 0.5, limit: 50 };

// askFor leads to the page with a text, which stays out of the address.
export function askFor(text) {
  asked = { ...asked, text };
  location.hash = '#/similar';
}

export async function page(ctx) {
  ctx.title('Similar prompts');
  await api.stats(ctx.signal); // says when the reader has to sign in
  const text = h('textarea', { id: 'text', rows: '6', required: true, spellcheck: 'false', maxlength: '200000', 'data-focus': true, dir: 'auto' });
  text.value = asked.text;
  const min = h('input', { id: 'min', type: 'range', min: '0', max: '1', step: '0.05', value: asked.min, oninput: () => show(shown, percent(Number(min.value))) });
  const shown = h('output', { for: 'min' }, percent(asked.min));
  const limit = h('select', { id: 'limit' }, [20, 50, 200, 1000].map((n) => h('option', { value: n, selected: n === asked.limit }, n)));
  const result = h('div', { 'aria-live': 'polite' });
  const button = h('button', { class: 'main' }, 'Find similar prompts');
  const list = table({
    caption: 'Similar prompts', items: [], columns: [
      { name: 'Similarity', kind: 'score', by: (m) => m.similarity, cell: (m) => meter(m.similarity, 1, percent(m.similarity)) },
      { name: 'Account', kind: 'main', by: (m) => m.account, first: 'asc', cell: (m) => accountLink(m.account) },
      { name: 'Sent', kind: 'time', by: (m) => m.time, cell: (m) => when(m.time) },
      { name: 'Prompt', by: (m) => m.id, first: 'asc', cell: (m) => said(m.id, 'span', 'id') },
      { name: 'Templates', cell: (m) => (m.templates || []).slice(0, 6).map((t) => [templateLink(t, false), ' ']) },
    ],
  });

  async function find(e) {
    e?.preventDefault();
    asked = { text: text.value, min: Number(min.value), limit: Number(limit.value) };
    if (!asked.text.trim()) return;
    button.disabled = true;
    try {
      const { items } = await api.post('v1/similar', asked);
      const senders = new Set(items.map((m) => m.account)).size;
      list.update(items);
      show(result, items.length ? [h('p', {}, `${many(items.length, 'prompt')} of ${many(senders, 'account')}`, items.length === asked.limit ? ', the most similar only.' : '.'), list.el] :
        h('p', { class: 'note' }, 'No retained prompt resembles this text as a whole. Two fillings of one template often differ in most words: search for its fixed words instead.'));
    } catch (err) {
      show(result, h('p', { class: 'error', role: 'alert' }, err.message));
    } finally {
      button.disabled = false;
    }
  }

  if (asked.text) find();
  return h('div', {}, h('h1', { tabindex: '-1' }, 'Similar prompts'),
    h('form', { class: 'panel ask', onsubmit: find }, h('label', { for: 'text' }, 'A prompt, or a part of one'), text,
      h('div', { class: 'filters' }, h('label', { class: 'row', for: 'min' }, 'Similarity at least ', min, shown), h('label', { class: 'row' }, 'At most ', limit), h('span', { class: 'grow' }), button)), result);
}
