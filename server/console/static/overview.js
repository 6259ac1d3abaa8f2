// What goes on: totals and rate, alerts that want a decision, days, the widest
// templates, the newest flags.

import * as api from './api.js';
import { days, spark } from './chart.js';
import { h, refill, show } from './dom.js';
import { badge, day, dec, known, many, num, score, when } from './format.js';
import { follow, recent } from './live.js';
import { brief } from './pattern.js';
import { accounts, campaignLink, linkOf, pattern, points, prompts, status, templateID } from './rows.js';
import { table } from './table.js';

export async function page(ctx) {
  ctx.title('Overview');
  const [stats, found, widest, all] = await Promise.all([
    api.stats(ctx.signal), api.all('v1/campaigns', {}, ctx.signal), api.get('v1/templates', { limit: 8 }, ctx.signal),
    api.get('v1/days', {}, ctx.signal).then((a) => a.items),
  ]);
  const tiles = h('dl', { class: 'tiles' });
  const alerts = h('div');
  const chart = h('div');
  const latest = h('ol', { class: 'flags brief-flags' });
  const wide = table({ caption: 'Templates of most accounts', kind: 'compact', columns: [templateID, status, points, pattern, accounts, prompts].map((c) => ({ ...c, by: null })), items: widest.items, empty: 'No template yet: none is shared by three accounts.' });
  const rate = rates(stats);
  let shown = ''; // the days that the chart shows
  draw(stats, found.items, all);
  flags();

  function draw(st, campaigns, calendar) {
    const of = (s) => campaigns.filter((c) => c.status === s);
    const open = of('alert');
    const sure = of('confirmed').length;
    refill(tiles, tile('Alerts', num(open.length), `${open.length ? 'want a decision' : 'nothing to decide'}${sure ? `, ${num(sure)} confirmed` : ''}`, '#/campaigns?status=alert', open.length ? 'loud' : ''),
      tile('Watched', num(of('watch').length), 'below an alert', '#/campaigns?status=watch'),
      tile('Prompts', num(st.prompts), rate.text),
      tile('Accounts', num(st.accounts), 'that sent them'),
      tile('Templates', num(st.templates), 'shared by three and more', '#/templates'),
      tile('Retained', known(st.first) ? many(daysOf(st), 'day') : '–', known(st.first) ? `${day(st.first)} – ${day(st.last)}` : 'nothing yet'));
    const decide = open.slice(0, 8);
    const range = known(st.first) ? [day(st.first), day(st.last)] : undefined;
    refill(alerts, decide.length ? h('ul', { class: 'cards' }, decide.map((c) => card(c, range))) : h('p', { class: 'note' }, st.prompts ? 'No campaign alerts. What is watched stands under Campaigns.' : ['Nothing has been sent yet. ', h('code', {}, 'chorus load FILE'), ' before serving, or POST /v1/prompts, brings prompts in.']),
      open.length > decide.length ? h('p', { class: 'after' }, h('a', { href: '#/campaigns?status=alert' }, `All ${num(open.length)} alerts`)) : null);
    const byDay = traffic(campaigns, calendar);
    const drawn = JSON.stringify(byDay);
    if (drawn !== shown) show(chart, prompted(byDay));
    shown = drawn;
  }

  function flags() {
    refill(latest, recent.length ? recent.slice(0, 8).map((f) => h('li', { class: f.kind }, when(f.time), ' ', linkOf(f.kind, f.id), ' ', h('span', { class: 'what' }, f.text))) : h('li', { class: 'faint' }, 'No flags yet.'));
  }

  // While prompts come in: totals every few seconds, campaigns after flags.
  let due = 0;
  const refresh = async (everything) => {
    if (document.hidden) return;
    const [st, c, d] = await Promise.all([api.stats(ctx.signal), everything ? api.all('v1/campaigns', {}, ctx.signal) : found, everything ? api.get('v1/days', {}, ctx.signal) : null]);
    rate.add(st);
    found.items = c.items;
    if (d) all.splice(0, all.length, ...d.items);
    draw(st, found.items, all);
  };
  const safely = (p) => p.catch((err) => (err.status === 401 ? ctx.reload() : err.name !== 'AbortError' && console.warn(err.message)));
  const timer = setInterval(() => safely(refresh(rate.moved() && Date.now() - due > 30_000 && (due = Date.now()))), 5000);
  ctx.signal.addEventListener('abort', () => clearInterval(timer));
  let soon = 0;
  follow(ctx.signal, () => {
    flags();
    soon ||= setTimeout(() => {
      soon = 0;
      safely(refresh(true));
    }, 2500); // answers may be 2 seconds old
  }, flags);

  return h('div', { class: 'overview' },
    h('h1', { tabindex: '-1' }, 'Overview'), tiles,
    h('section', {}, h('h2', {}, 'Campaigns that want a decision'), alerts),
    h('section', { class: 'panel' }, h('h2', {}, 'Prompts by day'), chart),
    h('div', { class: 'split' },
      h('section', { class: 'panel' }, h('h2', {}, 'Widest templates'), wide.el, h('p', {}, h('a', { href: '#/templates' }, 'All templates'))),
      h('section', { class: 'panel' }, h('h2', {}, 'Latest flags'), latest, h('p', {}, h('a', { href: '#/flags' }, 'All flags')))));
}

// rates tells how fast prompts come in, from totals seen in the last minute.
function rates(first) {
  const seen = [[Date.now(), first.prompts]];
  return {
    text: 'so far',
    add(st) {
      seen.push([Date.now(), st.prompts]);
      while (seen.length > 13) seen.shift();
      const [[t0, n0], [t1, n1]] = [seen[0], seen.at(-1)];
      const perSecond = t1 > t0 ? (1000 * (n1 - n0)) / (t1 - t0) : 0;
      this.text = perSecond > 0 ? `${perSecond < 10 ? dec(perSecond) : num(perSecond)} a second` : 'none in the last minute';
    },
    moved: () => seen.length > 1 && seen.at(-1)[1] !== seen.at(-2)[1],
  };
}

const tile = (name, value, note, href, kind = '') => h('div', { class: `tile ${kind}` },
  h('dt', {}, href ? h('a', { href }, name) : name), h('dd', {}, h('span', { class: 'value' }, value), h('span', { class: 'faint' }, note)));

const card = (c, range) => h('li', { class: `card ${c.status}` },
  h('div', { class: 'card-head' }, badge(c.status), campaignLink(c.id), h('span', { class: 'card-score', title: 'score, of 100' }, score(c.score))),
  h('p', {}, brief(c.templates[0]?.pattern, 'three')),
  h('div', { class: 'card-foot' }, h('span', {}, many(c.accounts, 'account')), h('span', {}, many(c.prompts, 'prompt')),
    c.templates.length > 1 ? h('span', {}, many(c.templates.length, 'template')) : null),
  h('div', { class: 'card-foot' }, h('span', {}, known(c.flagged_at) ? ['flagged ', when(c.flagged_at)] : ['last seen ', when(c.last_seen)]), spark(c.days, 'prompts', { range })));

const daysOf = (st) => Math.round((Date.parse(day(st.last)) - Date.parse(day(st.first))) / 86_400_000) + 1;

// traffic is all prompts by day, those of campaigns apart.
function traffic(campaigns, all) {
  const byDay = new Map(all.map((d) => [d.day, { day: d.day, total: d.prompts, alert: 0, watch: 0 }]));
  for (const c of campaigns) {
    const field = c.status === 'alert' || c.status === 'confirmed' ? 'alert' : c.status === 'watch' ? 'watch' : '';
    for (const d of field ? c.days : []) if (byDay.has(d.day)) byDay.get(d.day)[field] += d.prompts;
  }
  return [...byDay.values()].map((d) => ({ ...d, rest: Math.max(0, d.total - d.alert - d.watch) }));
}

const prompted = (items) => days({
  label: 'Prompts by day', items, height: 180,
  series: [{ field: 'alert', name: 'in alerting and confirmed campaigns', kind: 'c-alert' }, { field: 'watch', name: 'in watched campaigns', kind: 'c-watch' }, { field: 'rest', name: 'all others', kind: 'c-rest' }],
});
