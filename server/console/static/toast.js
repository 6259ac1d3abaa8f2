import { $, h } from './dom.js';

// toast says what happened, and offers to take it back where that can be done.
export function toast(text, undo) {
  const close = () => el.remove();
  const el = h('div', { class: 'toast' }, h('span', {}, text),
    undo ? h('button', { type: 'button', class: 'link', onclick: () => { close(); undo(); } }, 'Undo') : null,
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: close }, '×'));
  const all = $('toasts');
  all.append(el);
  while (all.children.length > 3) all.firstChild.remove();
  setTimeout(() => el.contains(document.activeElement) || el.matches(':hover') || close(), undo ? 20_000 : 6_000);
}
