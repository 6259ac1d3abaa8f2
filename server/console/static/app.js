// The shell: which page is shown, the header, the theme, the keyboard.

import * as api from './api.js';
import { $, h, refocus, show } from './dom.js';
import { start as live } from './live.js';
import { start as keys } from './keys.js';
import { start as tips, hide as hideTip } from './tip.js';
import { ask as askSession } from './session.js';
import { signIn, signOut } from './signin.js';
import { page as overview } from './overview.js';
import { page as campaigns } from './campaigns.js';
import { page as campaign } from './campaign.js';
import { page as compare } from './compare.js';
import { page as templates } from './templates.js';
import { page as template } from './template.js';
import { page as account } from './account.js';
import { page as bundle } from './bundle.js';
import { page as flags } from './flags.js';
import { page as similar } from './similar.js';
import { page as search } from './search.js';

// routes: what follows #/, its page, and the entry of the header it belongs to.
const routes = [
  [/^$/, overview, 'overview'],
  [/^campaigns$/, campaigns, 'campaigns'],
  [/^campaigns\/([^/]+)$/, campaign, 'campaigns'],
  [/^compare\/([^/]+)\/([^/]+)$/, compare, 'campaigns'],
  [/^bundle$/, bundle, 'campaigns'],
  [/^templates$/, templates, 'templates'],
  [/^templates\/([^/]+)$/, template, 'templates'],
  [/^accounts\/([^/]+)$/, account, ''],
  [/^flags$/, flags, 'flags'],
  [/^similar$/, similar, 'similar'],
  [/^search$/, search, 'search'],
];

const main = $('main');
const places = new Map(); // history entry → where its page was scrolled to and what had the focus
let current = null; // { key, abort }
let entries = 0;

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parse() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return { path: path.replace(/\/$/, ''), query: new URLSearchParams(query) };
}

// leave remembers a page for when its reader comes back to it.
function leave() {
  if (!current) return;
  current.abort.abort();
  places.set(current.key, { y: scrollY, link: document.activeElement?.getAttribute?.('href') });
}

// navigate shows the page that the address names. again: the same page, its data anew.
async function navigate(again = false) {
  const { path, query } = parse();
  if (!again) leave();
  else current?.abort.abort();
  const returning = history.state?.key;
  const key = returning || `${Date.now()}-${++entries}`;
  if (!returning) history.replaceState({ key }, '');
  const here = (current = { key, abort: new AbortController() });
  const found = routes.find(([pattern]) => pattern.test(path));
  for (const a of document.querySelectorAll('#nav a')) {
    if (found && a.dataset.page === found[2]) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  openMenu(false);
  hideTip();
  if (!again) main.setAttribute('aria-busy', 'true');
  const slow = setTimeout(() => !again && show(main, skeleton()), 200);
  const ctx = {
    args: found ? path.match(found[0]).slice(1).map(decoded) : [],
    query,
    signal: here.abort.signal,
    reload: () => (current.key === key ? navigate(true) : undefined), // if the reader is still here
    keep, // new query parameters, without showing the page anew
    title: (text) => (document.title = `${text} · Chorus`),
  };
  let node;
  try {
    if (!found) throw new api.APIError(404, 'No such page', 'No page has this address.');
    node = await found[1](ctx);
  } catch (err) {
    if (here !== current || err.name === 'AbortError') return;
    if (err.status === 401) node = signIn(ctx);
    else node = failure(err, ctx);
  } finally {
    clearTimeout(slow);
  }
  if (here !== current) return;
  main.removeAttribute('aria-busy');
  if (again) {
    const y = scrollY;
    refocus(main, () => show(main, node));
    return scrollTo(0, y);
  }
  show(main, node);
  const place = returning && places.get(key);
  if (place) {
    scrollTo(0, place.y);
    const link = place.link && [...main.querySelectorAll('a[href]')].find((a) => a.getAttribute('href') === place.link);
    link?.focus({ preventScroll: true });
  } else {
    scrollTo(0, 0);
    if (entries > 1) (main.querySelector('[data-focus]') || main.querySelector('h1') || main).focus({ preventScroll: true });
  }
}

function keep(changes) {
  const { path, query } = parse();
  for (const [k, v] of Object.entries(changes)) {
    if (v === '' || v === null || v === undefined || v === false) query.delete(k);
    else query.set(k, v);
  }
  const text = query.toString();
  history.replaceState(history.state, '', `#/${path}${text ? '?' + text : ''}`);
}

const skeleton = () => h('div', { class: 'skeleton', 'aria-hidden': 'true' }, [1, 2, 3, 4, 5, 6].map(() => h('i')));

function failure(err, ctx) {
  console.error(err);
  ctx.title(err.title || 'Something went wrong');
  return h('section', { class: 'problem', role: 'alert' },
    h('h1', { tabindex: '-1' }, err.status === 404 ? 'Not found' : err.title || 'Something went wrong'),
    h('p', {}, err instanceof api.APIError ? err.message : 'The page could not be shown. The browser’s console has the details.'),
    err.id ? h('p', { class: 'faint' }, 'Request ', h('code', {}, err.id)) : null,
    h('p', { class: 'row' }, h('button', { type: 'button', class: 'main', onclick: () => navigate() }, 'Try again'), h('a', { class: 'button', href: '#/' }, 'To the overview')));
}

function openMenu(open) {
  document.body.classList.toggle('menu-open', open);
  $('menu').setAttribute('aria-expanded', String(open));
}

const themes = ['system', 'light', 'dark'];

function startTheme() {
  const button = $('theme');
  const now = () => document.documentElement.dataset.theme || 'system';
  const label = () => {
    show(button, { system: '◐', light: '○', dark: '●' }[now()]);
    button.setAttribute('aria-label', `Theme: ${now()}`);
    button.title = `Theme: ${now()}`;
  };
  button.addEventListener('click', () => {
    const next = themes[(themes.indexOf(now()) + 1) % themes.length];
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem('chorus.theme', next);
    } catch { /* not kept */ }
    label();
    dispatchEvent(new Event('themechange'));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('themechange')));
  label();
}

// goTo is where a word of the header's box leads: to an id, or a search.
function goTo(words) {
  if (/^c\d+$/i.test(words)) return `#/campaigns/${words.toLowerCase()}`;
  if (/^t\d+$/i.test(words)) return `#/templates/${words.toLowerCase()}`;
  if (words.startsWith('@')) return `#/accounts/${encodeURIComponent(words.slice(1).trim())}`;
  return `#/search?q=${encodeURIComponent(words)}`;
}

$('find').addEventListener('submit', (e) => {
  e.preventDefault();
  const words = $('words').value.trim();
  if (words && words !== '@') location.hash = goTo(words);
});
$('skip').addEventListener('click', (e) => {
  e.preventDefault();
  (main.querySelector('h1') || main).focus();
});
$('menu').addEventListener('click', () => openMenu(!document.body.classList.contains('menu-open')));
$('signout').addEventListener('click', async () => {
  await signOut();
  navigate();
});
addEventListener('hashchange', () => navigate());
history.scrollRestoration = 'manual';
startTheme();
tips();
keys();
live();
askSession().then(() => navigate());
