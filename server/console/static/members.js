import { h, show } from './dom.js';
import { meter, many, num, percent } from './format.js';
import { accountLink } from './rows.js';
import { table } from './table.js';

// members lists accounts; sure: with how sure each is to act with the others.
export function members(all, { sure = false } = {}) {
  const list = table({
    caption: 'Accounts', kind: 'compact', items: all, most: 25, empty: 'No account matches.',
    columns: [{ name: 'Account', kind: 'main', by: (m) => m.account, first: 'asc', cell: (m) => accountLink(m.account) },
      { name: 'Prompts', right: true, by: (m) => m.prompts, cell: (m) => num(m.prompts) },
      ...(sure ? [{ name: 'Confidence', kind: 'score', by: (m) => m.confidence || 0, cell: (m) => meter(m.confidence || 0, 1, percent(m.confidence)) }] : [])],
  });
  if (all.length < 10) return list.el;
  const told = h('span', { class: 'faint', role: 'status' });
  const filter = h('input', { type: 'search', 'aria-label': 'Account contains', placeholder: 'Account contains…', spellcheck: 'false', oninput: () => {
    const kept = all.filter((m) => m.account.toLowerCase().includes(filter.value.trim().toLowerCase()));
    list.update(kept);
    show(told, kept.length < all.length ? `${num(kept.length)} of ${many(all.length, 'account')}` : '');
  } });
  return h('div', {}, h('div', { class: 'filters' }, filter, told), list.el);
}
