// Tables: sortable, with rows that the keyboard walks.

import { h, show, unique } from './dom.js';
import { num } from './format.js';

const step = 200; // rows shown at once, where a table does not say

// table makes a table.
//   caption: what it holds, for those who do not see it
//   columns: {name, cell(item) → nodes, by(item) → what to sort by, right, kind, first: 'asc'|'desc'}
//   items, empty: a sentence for no items
//   most: rows shown at once
//   sort: {column, down} to begin with; sorted(sort) is told of changes
// Its update(items) shows other items in the chosen order.
export function table({ caption, columns, items, empty, sort, sorted, kind = '', rowKind, most = step }) {
  const body = h('tbody', { role: 'rowgroup' });
  const foot = h('div', { class: 'foot' });
  let order = sort;
  let shown = most;
  const heads = columns.map((c) => {
    if (!c.by) return h('th', { scope: 'col', role: 'columnheader', class: c.kind }, c.hidden ? h('span', { class: 'hidden' }, c.name) : c.name);
    const button = h('button', { type: 'button', class: 'sort', onclick: () => sortBy(c, order?.column === c.name ? !order.down : c.first !== 'asc') }, c.name, h('span', { class: 'arrow', 'aria-hidden': 'true' }));
    return h('th', { scope: 'col', role: 'columnheader', class: `${c.right ? 'right' : ''} ${c.kind || ''}` }, button);
  });

  // Narrow windows have no headings: a list of them stands above the rows.
  const sortable = columns.filter((c) => c.by);
  const choice = h('select', { onchange: () => {
    const c = sortable.find((o) => o.name === choice.value);
    if (c) sortBy(c, c.first !== 'asc');
  } }, h('option', { value: '' }, 'as given'), sortable.map((c) => h('option', { value: c.name }, c.name.toLowerCase())));

  const sorter = h('label', { class: 'sorter' }, 'Sorted by ', choice);

  function sortBy(c, down) {
    order = { column: c.name, down };
    sorted?.(order);
    draw();
  }

  function inOrder() {
    const c = columns.find((o) => o.name === order?.column && o.by);
    if (!c) return items;
    const down = order.down ? -1 : 1;
    return [...items].sort((a, b) => {
      const [x, y] = [c.by(a), c.by(b)];
      return down * (typeof x === 'number' ? x - y : String(x).localeCompare(String(y), 'en', { numeric: true }));
    });
  }

  function draw() {
    columns.forEach((c, i) => {
      if (c.by) heads[i].setAttribute('aria-sort', order?.column === c.name ? (order.down ? 'descending' : 'ascending') : 'none');
    });
    const all = inOrder();
    choice.value = order?.column || '';
    sorter.hidden = !sortable.length || all.length < 2;
    show(body, all.slice(0, shown).map((item) => h('tr', { role: 'row', class: rowKind?.(item) },
      columns.map((c) => h('td', { role: 'cell', class: `${c.right ? 'right' : ''} ${c.kind || ''}`, 'data-label': c.name }, c.cell(item))))));
    if (!all.length) show(body, h('tr', { role: 'row' }, h('td', { role: 'cell', class: 'empty', colspan: columns.length }, empty || 'Nothing here.')));
    show(foot, all.length > shown ? h('button', { type: 'button', onclick: () => { shown += 5 * step; draw(); } }, `Show more of ${num(all.length)}`) : null);
  }

  draw();
  const id = unique('table');
  const el = h('div', { class: 'table-box' }, sorter,
    h('table', { class: `list ${kind}`, role: 'table', 'aria-labelledby': id },
      h('caption', { class: 'hidden', id }, caption), h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)), body), foot);
  return { el, update(next) { items = next; draw(); } };
}
