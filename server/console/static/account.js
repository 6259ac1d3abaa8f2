// One account: its campaigns, its templates, who shares most with it.

import * as api from './api.js';
import { h } from './dom.js';
import { facts } from './campaign.js';
import { meter, num, percent } from './format.js';
import { accountLink, accounts, campaignID, pattern, points, prompts, status, templateID } from './rows.js';
import { table } from './table.js';
import { said } from './text.js';

export async function page(ctx) {
  const [id] = ctx.args;
  const a = await api.account(id, ctx.signal);
  ctx.title('Account');
  const campaigns = table({
    caption: 'Campaigns', kind: 'compact', items: a.campaigns, empty: 'It is a member of no campaign.',
    columns: [campaignID, status, points, { ...accounts }, { ...prompts, name: 'Its prompts' },
      { name: 'Confidence', kind: 'score', by: (c) => c.confidence, cell: (c) => meter(c.confidence, 1, percent(c.confidence)) }],
  });
  const templates = table({
    caption: 'Templates', kind: 'compact', items: a.templates, empty: 'It sent nothing that three accounts share.',
    columns: [templateID, pattern, { ...prompts, name: 'Its prompts' }, { ...accounts, name: 'All accounts' }],
  });
  const peers = table({
    caption: 'Accounts that share most templates with it', kind: 'compact', items: a.peers, empty: 'None.',
    columns: [{ name: 'Account', kind: 'main', by: (p) => p.account, first: 'asc', cell: (p) => accountLink(p.account) }, { name: 'Templates of both', right: true, by: (p) => p.templates, cell: (p) => num(p.templates) }],
  });
  const box = facts(a);
  box.firstChild.remove(); // its own number of accounts
  return h('article', {},
    h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, 'Account ', said(a.id, 'span', 'id'))), box,
    h('section', { class: 'panel' }, h('h2', {}, 'Campaigns'), campaigns.el),
    h('div', { class: 'split' },
      h('section', { class: 'panel' }, h('h2', {}, 'Templates that it uses'), templates.el),
      h('section', { class: 'panel' }, h('h2', {}, 'Shares most with'), peers.el)));
}
