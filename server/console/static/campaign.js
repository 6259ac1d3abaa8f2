// One campaign: what is sent, by whom, when, why it is thought to be one, and
// the verdict.

import * as api from './api.js';
import { attributes } from './attrs.js';
import { days } from './chart.js';
import { h, show } from './dom.js';
import { factors } from './factors.js';
import { badge, known, many, num, score, when } from './format.js';
import { families, line } from './kin.js';
import { follow } from './live.js';
import { matrix } from './matrix.js';
import { members } from './members.js';
import { brief, whole } from './pattern.js';
import { templateLink } from './rows.js';
import { exports } from './share.js';
import { panel } from './verdict.js';

const eager = 3; // patterns that are shown in full at once
const brieflyShown = 6; // others wait behind a fold

export async function page(ctx) {
  const [id] = ctx.args;
  const c = await api.campaign(id, ctx.signal);
  ctx.title(`${c.id}, ${c.status}`);
  const kinds = families(c.templates);
  const [grid, verdict, first] = await Promise.all([
    api.matrix(id, 2000, ctx.signal), panel('campaign', c.id, { signal: ctx.signal, changed: () => ctx.reload() }),
    Promise.all(kinds.slice(0, eager).map(({ t }) => api.template(t.id, ctx.signal).catch(() => null))), // one may have expired just now
  ]);
  const mark = known(c.flagged_at) ? { day: c.flagged_at.slice(0, 10), name: 'flagged' } : null;
  const fresh = h('p', { class: 'fresh', hidden: true }, h('button', { type: 'button', class: 'link', onclick: () => ctx.reload() }, 'It was flagged again: show it anew'));
  follow(ctx.signal, (f) => { if (f.id === c.id || c.templates.some((t) => t.id === f.id)) fresh.hidden = false; });
  return h('article', { class: 'campaign' },
    h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Campaign ', h('span', { class: 'id' }, c.id)), badge(c.status),
      h('span', { class: 'big-score', title: 'score, of 100' }, score(c.score)), h('span', { class: 'grow' }), next(c, ctx), compareWith(c.id), exports(c)),
    fresh, facts(c),
    h('div', { class: 'columns' },
      h('section', { class: 'panel' }, h('h2', {}, c.templates.length === 1 ? 'The template' : `Its ${num(c.templates.length)} templates`), patterns(kinds, first, ctx)),
      h('aside', { class: 'narrow', 'aria-label': 'Judgement' },
        h('section', { class: 'panel' }, h('h2', {}, 'Verdict'), verdict),
        h('section', { class: 'panel' }, h('h2', {}, 'Why'), factors(c.factors, c.score), chance(c))),
      h('div', { class: 'wide' },
        h('section', { class: 'panel' }, h('h2', {}, 'Day by day'),
          days({ label: `Prompts and new accounts of ${c.id} by day`, items: c.days, mark, height: 190, series: [{ field: 'prompts', name: 'prompts', kind: 'c-main' }], below: { field: 'new_accounts', name: 'new accounts', kind: 'c-new' } })),
        h('section', { class: 'panel' }, h('h2', {}, 'Who sent which template'), matrix(grid)),
        h('section', { class: 'panel' }, h('h2', {}, many(c.accounts, 'member')), members(c.members || [], { sure: true })))));
}

export const facts = (c) => h('dl', { class: 'facts' },
  fact('Accounts', num(c.accounts)), fact('Prompts', num(c.prompts)), fact('First seen', when(c.first_seen, 'both')), fact('Last seen', when(c.last_seen, 'both')),
  known(c.flagged_at) ? fact('Flagged', when(c.flagged_at, 'both')) : null, attributes(c));

export const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));

function chance(c) {
  if (!c.log10_p) return null;
  return h('p', { class: 'faint' }, c.log10_p <= -999 ? 'Chance would practically never' : `Chance would once in 10${superscript(Math.round(-c.log10_p))}`, ' give these templates so many shared accounts.');
}

const superscript = (n) => [...String(n)].map((d) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[d]).join('');

// patterns shows templates, each in full when it is asked for: the first, which
// are here, at once. Variants wait behind a fold.
function patterns(kinds, first, ctx) {
  const item = ({ t, variants }, i) => {
    const text = h('div', {}, first[i] ? whole(first[i]) : brief(t.pattern, 'three'));
    const more = h('button', { type: 'button', class: 'link', onclick: open }, 'in full');
    async function open() {
      try {
        const full = await api.template(t.id, ctx.signal);
        show(text, whole(full));
        more.remove();
      } catch (err) {
        if (err.name !== 'AbortError') show(more, err.message);
      }
    }
    return h('li', {}, h('div', { class: 'row' }, templateLink(t.id), h('span', { class: 'faint' }, many(t.accounts, 'account')), first[i] ? null : more), text,
      variants.length ? h('details', {}, h('summary', {}, `and ${many(variants.length, 'variant')}`), h('ul', {}, variants.map(line))) : null);
  };
  const list = h('ol', { class: 'patterns' }, kinds.slice(0, brieflyShown).map(item));
  const others = kinds.length - brieflyShown;
  if (others <= 0) return list;
  const unfold = h('button', { type: 'button', onclick: () => {
    list.append(...kinds.slice(brieflyShown).map((k, i) => item(k, i + brieflyShown)));
    unfold.remove();
  } }, `Show ${num(others)} more`);
  return [list, unfold];
}

// next leads to the alert that follows this campaign, or to the worst.
function next(c, ctx) {
  const place = h('span');
  api.get('v1/campaigns', { status: 'alert', limit: 200 }, ctx.signal).then(({ items }) => {
    const others = items.filter((o) => o.id !== c.id);
    if (!others.length) return;
    const to = items[items.findIndex((o) => o.id === c.id) + 1] || others[0];
    show(place, h('a', { class: 'button', href: `#/campaigns/${encodeURIComponent(to.id)}`, 'data-next': true, title: `${to.id} (n)` }, 'Next alert'));
  }, () => {}); // the page does without
  return place;
}

function compareWith(id) {
  const box = h('input', { 'aria-label': 'Compare with campaign', placeholder: 'Compare with c…', size: '15', pattern: '[cC]?[0-9]+', title: 'The id of another campaign, as c54', required: true, spellcheck: 'false' });
  return h('form', { class: 'row', onsubmit: (e) => {
    e.preventDefault();
    location.hash = `#/compare/${id}/c${box.value.trim().replace(/^c/i, '')}`;
  } }, box, h('button', {}, 'Compare'));
}
