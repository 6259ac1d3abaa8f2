// Taking a campaign away: for other tools, or for another provider.

import * as api from './api.js';
import { h, show, unique } from './dom.js';
import { decides } from './session.js';

const files = [['stix', 'STIX 2.1', false], ['jsonl', 'JSON lines', false], ['csv', 'CSV, a line an account', true]];

// exports is a button that unfolds the forms in which a campaign is to be had.
export function exports(c) {
  const accounts = h('input', { type: 'checkbox', onchange: draw });
  const links = h('ul');
  function draw() {
    show(links, files.map(([format, name, needs]) => h('li', {},
      needs && !accounts.checked ? h('span', { class: 'faint' }, `${name}: only with account ids`) : h('a', { href: api.exportOf(c.id, format, accounts.checked), download: '' }, name))));
  }
  draw();
  const summary = h('summary', { class: 'button' }, 'Export');
  const drop = h('details', { class: 'drop', onfocusout: (e) => { if (e.relatedTarget && !drop.contains(e.relatedTarget)) drop.open = false; }, onkeydown: (e) => {
    if (e.key !== 'Escape' || !drop.open) return;
    drop.open = false;
    summary.focus();
  } }, summary, h('div', { class: 'sheet' }, links, h('label', { class: 'row' }, accounts, ' with account ids'), decides ? keyed(c, accounts) : null));
  return drop;
}

// keyed makes a bundle that matches only with a key. It goes in the body of a
// request, as addresses are logged.
function keyed(c, accounts) {
  const id = unique('key');
  const key = keyField(id, true);
  const problem = h('p', { class: 'error', role: 'alert' });
  return h('form', { class: 'keyed', onsubmit: async (e) => {
    e.preventDefault();
    show(problem);
    try {
      save(await api.keyedExport(c.id, accounts.checked, key.value), `${c.id}.stix.json`);
      key.value = '';
    } catch (err) {
      show(problem, err.message);
    }
  } }, h('label', { for: id }, 'For a partner: STIX 2.1 with the key that you both have'), h('div', { class: 'row' }, key, h('button', {}, 'Save')), problem);
}

// keyField takes a secret. Browsers are not to keep it.
export const keyField = (id, required) => h('input', { id, type: 'password', minlength: '16', maxlength: '4096', required, autocomplete: 'off', spellcheck: 'false', placeholder: '16 characters and more' });

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
