// Flags as they are raised, the newest first.

import { h, show } from './dom.js';
import { num, when } from './format.js';
import { events, follow, recent, state } from './live.js';
import { linkOf } from './rows.js';
import * as api from './api.js';

export async function page(ctx) {
  ctx.title('Flags');
  await api.get('v1/flags', { limit: 1 }, ctx.signal); // says when the reader has to sign in
  const list = h('ol', { class: 'flags', 'aria-label': 'Flags' });
  const told = h('p', { class: 'faint', role: 'status' });
  const kinds = h('select', { 'aria-label': 'Kind', onchange: () => { ctx.keep({ kind: kinds.value }); draw(); } },
    [['', 'all flags'], ['campaign', 'campaigns'], ['template', 'templates']].map(([v, name]) => h('option', { value: v, selected: v === (ctx.query.get('kind') || '') }, name)));
  const entry = (f, fresh) => h('li', { class: `${f.kind} ${fresh ? 'fresh-row' : ''}` }, h('span', { class: 'seq' }, num(f.seq)), when(f.time), linkOf(f.kind, f.id),
    h('span', { class: 'what' }, f.text));
  const takes = (f) => !kinds.value || f.kind === kinds.value;
  const tell = () => show(told, { on: 'New flags appear here as they are raised.', paused: 'Paused while this page is hidden.', off: 'Not connected; trying again.' }[state]);

  function draw() {
    const some = recent.filter(takes);
    show(list, some.length ? some.map((f) => entry(f)) : h('li', { class: 'faint empty' }, 'No flags yet. One is raised when 20 accounts send the same template within a week.'));
  }

  draw();
  tell();
  events.addEventListener('state', () => { tell(); }, { signal: ctx.signal });
  follow(ctx.signal, (f) => {
    if (!takes(f)) return;
    list.querySelector('.empty')?.remove();
    list.prepend(entry(f, true));
    while (list.children.length > 500) list.lastChild.remove();
  }, draw);
  return h('div', {}, h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Flags'), told, h('span', { class: 'grow' }), kinds), list);
}
