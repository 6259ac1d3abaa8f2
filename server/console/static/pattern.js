// Patterns: fixed words, with {1}, {2} … for slots.

import { h } from './dom.js';
import { fold } from './fold.js';
import { num } from './format.js';
import { said, visible } from './text.js';
import { tip } from './tip.js';

// cut takes a pattern apart into strings and the numbers of slots, from 0.
// Slots are numbered in the order in which they stand, so {2} before {1} or a
// number beyond the last are words of the template.
export function cut(pattern, slots) {
  const parts = [];
  let next = 1;
  let rest = pattern;
  while (next <= slots) {
    const mark = `{${next}}`;
    const at = rest.indexOf(mark);
    if (at < 0) break;
    if (at > 0) parts.push(rest.slice(0, at));
    parts.push(next++ - 1);
    rest = rest.slice(at + mark.length);
  }
  if (rest) parts.push(rest);
  return parts;
}

// marks is how many slots a pattern has, where only the pattern is known.
export function marks(pattern) {
  let n = 0;
  for (let at = 0; (at = pattern.indexOf(`{${n + 1}}`, at)) >= 0; n++);
  return n;
}

// whole shows a template's pattern; its slots tell what filled them.
export function whole(t) {
  const slots = t.slots || [];
  if (!t.pattern) return h('p', { class: 'note' }, 'No pattern: this index keeps no exemplars.');
  return fold(h('div', { class: 'pattern said', dir: 'auto' }, cut(t.pattern, slots.length).map((part) => (typeof part === 'string' ? visible(part) : slot(part, slots[part])))), t.pattern);
}

function slot(i, s) {
  const el = h('button', { type: 'button', class: 'slot' }, h('span', { class: 'hidden' }, `Slot ${i + 1}: `), s.examples.length ? cap(s.examples[0]) : String(i + 1));
  return tip(el, () => [h('strong', {}, `Slot ${i + 1}: ${num(s.distinct)} ${s.distinct === 1 ? 'filling' : 'different fillings'} among the exemplars`),
    h('ul', {}, s.examples.map((e) => said(e, 'li')))]);
}

// cap is a filling as it stands inside its slot: visible, and not too long.
const cap = (text) => visible([...text].length > 36 ? [...text].slice(0, 35).join('') + '…' : text);

// brief is a pattern in a list: slots are marks without fillings.
export function brief(pattern, kind = '') {
  if (!pattern) return h('span', { class: 'faint' }, 'no pattern kept');
  return h('span', { class: `said brief ${kind}`, dir: 'auto' }, cut(pattern, marks(pattern)).map((part) => (typeof part === 'string' ? visible(part.replace(/\s+/g, ' ')) : h('span', { class: 'gap', title: `slot ${part + 1}` }, '…'))));
}

// align finds the pattern's fixed words in an exemplar, in their order, and
// returns [text, varies] pieces; all in one where it does not have them so.
// Punctuation by itself may be missing.
export function align(parts, text) {
  const out = [];
  let at = 0;
  let varies = false;
  for (const part of parts) {
    if (typeof part !== 'string') {
      varies = true;
      continue;
    }
    const words = part.trim();
    const found = text.indexOf(words, at);
    if (found < 0 && /[\p{L}\p{N}]/u.test(words)) return [[text, false]];
    if (found < 0 || !words) continue;
    if (found > at) out.push([text.slice(at, found), varies]);
    out.push([words, false]);
    at = found + words.length;
    varies = false;
  }
  if (at < text.length) out.push([text.slice(at), varies]);
  return out;
}

// filled is an exemplar with what fills the template's slots set off.
export const filled = (t, text) => fold(h('div', { class: 'said prompt', dir: 'auto' },
  align(cut(t.pattern || '', (t.slots || []).length), text).map(([piece, varies]) => (varies && piece.trim() ? h('mark', {}, visible(piece)) : visible(piece)))), text);
