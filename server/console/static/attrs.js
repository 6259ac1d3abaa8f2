// By which models, and other attributes, prompts were sent.

import { h } from './dom.js';
import { many, num, percent } from './format.js';
import { said } from './text.js';

const most = 4; // values of one attribute that are shown

// attributes lists, for each attribute, its most frequent values with their
// shares; each leads to what else has it.
export function attributes(item) {
  const list = item.templates ? 'campaigns' : 'templates';
  return Object.entries(item.attrs || {}).map(([name, of]) => {
    const values = Object.entries(of).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    const sum = values.reduce((n, [, count]) => n + count, 0);
    return h('div', {}, h('dt', {}, name === 'model' ? 'Model' : said(name)), h('dd', {}, values.slice(0, most).map(([value, n]) => {
      const text = [said(value), ` ${percent(n / sum)}`];
      const title = `${many(n, 'prompt')} of ${num(sum)}`;
      if (value === 'other') return h('span', { class: 'share', title }, text);
      return h('a', { class: 'share', title, href: `#/${list}?${new URLSearchParams({ attr: `${name}=${value}` })}` }, text);
    }), values.length > most ? h('span', { class: 'faint' }, `and ${num(values.length - most)} more`) : null));
  });
}

// attrField is the filter by an attribute.
export const attrField = (value, changed) => h('input', {
  type: 'search', name: 'attr', 'aria-label': 'Attribute', placeholder: 'model=…', title: 'Has prompts of a model, or of another attribute that is counted: model=m-large',
  value: value || '', spellcheck: 'false', onchange: changed,
});
