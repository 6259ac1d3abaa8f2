// The stream of flags: one for all pages. It begins with the newest that have
// been raised, follows, resumes where it was cut off, and rests while the page
// is hidden, since browsers allow few connections.
//
// Flags are numbered from 1 without gaps.

import * as api from './api.js';
import { $ } from './dom.js';

const kept = 500;
export const recent = []; // flags, the newest first
export const events = new EventTarget(); // 'flag' with a new flag as detail; 'begin' when recent holds those before; 'state'
export let state = 'off'; // 'on', 'off', 'paused'

let source = null;
let last = -1; // number of the newest in recent; -1 before the first answer
let wait = 1000;
let timer = 0;

function become(now, text) {
  state = now;
  $('live').dataset.state = now;
  $('live-text').textContent = text;
  events.dispatchEvent(new Event('state'));
}

function keep(flag) {
  if (flag.seq <= last) return false;
  last = flag.seq;
  recent.unshift(flag);
  recent.length = Math.min(recent.length, kept);
  return true;
}

function take(e) {
  const flag = JSON.parse(e.data);
  if (keep(flag)) events.dispatchEvent(new CustomEvent('flag', { detail: flag }));
}

// begin takes the newest flags that are there already.
async function begin() {
  last = Math.max(0, (await api.stats()).flags - 100);
  for (const flag of (await api.get('v1/flags', { after: last, limit: 1000 })).items) keep(flag);
  events.dispatchEvent(new Event('begin'));
}

async function open() {
  clearTimeout(timer);
  if (source || document.hidden) return;
  try {
    if (last < 0) await begin();
  } catch (err) {
    return err.status === 401 ? become('off', 'signed out') : retry();
  }
  if (source || document.hidden) return;
  source = new EventSource(new URL(`v1/flags?after=${last}`, document.baseURI));
  source.addEventListener('flag', take);
  source.addEventListener('open', () => {
    wait = 1000;
    become('on', 'live');
  });
  source.addEventListener('error', () => {
    if (source?.readyState !== EventSource.CLOSED) return become('off', 'reconnecting'); // the browser tries again by itself
    close();
    retry();
  });
}

function close() {
  source?.close();
  source = null;
}

function retry() {
  become('off', 'offline');
  clearTimeout(timer);
  timer = setTimeout(open, wait);
  wait = Math.min(60_000, 2 * wait);
}

// again tries at once, as after signing in.
export function again() {
  close();
  wait = 1000;
  open();
}

export function start() {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return open();
    clearTimeout(timer);
    close();
    become('paused', 'paused');
  });
  addEventListener('pagehide', close);
  open();
}

// follow calls fn for each flag to come until signal aborts, and begun once
// recent has those before.
export function follow(signal, fn, begun) {
  if (begun) events.addEventListener('begin', begun, { signal });
  events.addEventListener('flag', (e) => fn(e.detail), { signal });
}
