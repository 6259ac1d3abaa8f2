// Giving verdicts, taking them back, and the record of both.

import * as api from './api.js';
import { h, show, unique } from './dom.js';
import { badge, minutes, when } from './format.js';
import { decides, name as signedIn } from './session.js';
import { said } from './text.js';
import { toast } from './toast.js';

const choices = [
  ['benign', 'Benign', 'Stops alerts, and counts as evidence no more.'],
  ['confirmed', 'Confirmed', 'A campaign: new accounts on it are flagged at once.'],
  ['none', 'No verdict', 'Withdraws the verdict that holds.'],
];

const author = {
  get: () => { try { return localStorage.getItem('chorus.author') || ''; } catch { return ''; } },
  set: (name) => { try { localStorage.setItem('chorus.author', name); } catch { /* not kept */ } },
};

// panel is the form and the record for a template or campaign. changed is
// called after each verdict.
export async function panel(kind, id, { signal, changed }) {
  const record = h('div', { class: 'record' });
  let given = await api.verdicts(kind, id, signal).catch(() => []);
  const form = h('form', { class: 'verdict', onsubmit: submit });
  const problem = h('p', { class: 'error', role: 'alert' });
  const reasonID = unique('reason');
  const untilID = unique('until');
  const authorID = unique('author');
  const reason = h('input', { id: reasonID, maxlength: '500', autocomplete: 'off', placeholder: 'Why? It stands in the record.' });
  const until = h('input', { id: untilID, type: 'date' });
  const who = h('input', { id: authorID, maxlength: '100', value: author.get(), autocomplete: 'username', spellcheck: 'false' });
  const holds = h('p', { class: 'faint' });
  const radios = choices.map(([value, name, means]) => h('label', { class: `choice ${value}` },
    h('input', { type: 'radio', name: 'verdict', value, required: true, 'data-verdict': value === 'benign', onchange: () => { reason.required = value !== 'none'; show(holds, means); } }), h('span', {}, name)));
  form.append(h('fieldset', {}, h('legend', { class: 'hidden' }, 'Verdict'), h('div', { class: 'choices' }, radios)), holds,
    h('label', { for: reasonID }, 'Reason'), reason,
    h('div', { class: 'pair' }, signedIn ? null : h('div', {}, h('label', { for: authorID }, 'Your name'), who),
      h('div', {}, h('label', { for: untilID, title: 'In the prompts’ own time' }, 'Until (optional)'), until)),
    h('button', { class: 'main' }, 'Record verdict'), problem);
  draw();
  return h('div', {}, decides ? form : h('p', { class: 'faint' }, `The token ${signedIn} may look, but not decide.`), record);

  function draw() {
    show(record, given.length ? [h('h3', {}, 'Record'), h('ol', { reversed: true }, given.slice(0, 20).map((l, i) => h('li', {}, l.verdict === 'none' ? h('b', {}, 'withdrawn') : badge(l.verdict), ' ',
      l.reason ? said(l.reason) : h('span', { class: 'faint' }, 'no reason given'),
      h('div', { class: 'faint' }, l.author ? [said(l.author), ' · '] : null, when(l.time), l.until ? ` · until ${minutes(l.until)}` : null,
        i === 0 && decides && l.verdict !== 'none' ? [' · ', h('button', { type: 'button', class: 'link', onclick: () => undo(given[1]) }, 'Undo')] : null)))),
    given.length > 20 ? h('p', { class: 'faint' }, `and ${given.length - 20} older`) : null] : null);
  }

  async function give(label) {
    await api.post('v1/labels', { [kind]: id, author: signedIn || who.value.trim() || undefined, ...label });
    given = await api.verdicts(kind, id).catch(() => given);
    draw();
    changed?.(label.verdict);
  }

  async function submit(e) {
    e.preventDefault();
    show(problem);
    const verdict = form.elements.verdict.value;
    const before = given[0];
    const button = form.querySelector('button.main');
    button.disabled = true;
    try {
      author.set(who.value.trim());
      await give({ verdict, reason: reason.value.trim() || undefined, until: until.value ? `${until.value}T00:00:00Z` : undefined });
      form.reset();
      who.value = author.get();
      show(holds);
      toast(verdict === 'none' ? `The verdict on ${id} is withdrawn.` : `${id} is recorded as ${verdict}.`, () => undo(before));
    } catch (err) {
      show(problem, { 401: 'Your session has ended: sign in again in another tab, then record this once more.', 403: 'Your token may look, but not decide.' }[err.status] || err.message);
    } finally {
      button.disabled = false;
    }
  }

  // undo gives the verdict that held before once more: nothing is ever deleted.
  async function undo(before) {
    try {
      await give(before && before.verdict !== 'none' ? { verdict: before.verdict, reason: before.reason, until: before.until } : { verdict: 'none', reason: 'undone' });
      toast(`Undone: ${id} is as it was before.`);
    } catch (err) {
      toast(`Not undone: ${err.message}`);
    }
  }
}
