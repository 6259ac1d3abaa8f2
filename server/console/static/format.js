// Numbers, times and small marks as all pages show them.

import { h } from './dom.js';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const num = (n) => whole.format(n || 0);
export const dec = (n) => tenth.format(n || 0);
export const many = (n, one, more = one + 's') => `${num(n)} ${n === 1 ? one : more}`;
export const percent = (x) => `${Math.round(100 * (x || 0))} %`;

// score is a score without digits that say nothing.
export const score = (n) => (n >= 99.95 ? '100' : dec(n));

export function signed(points) {
  const text = dec(Math.abs(points));
  if (text === '0.0') return '0';
  return (points > 0 ? '+' : '−') + text;
}

const zero = '0001-01-01T00:00:00Z';

// known says whether a time of the API is one.
export const known = (t) => Boolean(t) && t !== zero;

// minutes is a time as 2026-06-13 23:35, UTC.
export const minutes = (t) => (known(t) ? t.slice(0, 16).replace('T', ' ') : '–');
export const day = (t) => (known(t) ? t.slice(0, 10) : '–');

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const steps = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30.44], ['month', 12], ['year', Infinity]];

// ago says how far a time is from now, in words.
export function ago(t, now = Date.now()) {
  let d = (Date.parse(t) - now) / 1000;
  for (const [unit, n] of steps) {
    if (Math.abs(d) < n) return relative.format(Math.round(d), unit);
    d /= n;
  }
  return '';
}

// when is a time element: UTC, with the distance beside it or as its hint.
export function when(t, how = 'minutes') {
  if (!known(t)) return h('span', { class: 'faint' }, '–');
  const iso = new Date(t).toISOString();
  const text = how === 'day' ? day(iso) : minutes(iso);
  return h('time', { datetime: t, title: `${iso.slice(0, 19).replace('T', ' ')} UTC, ${ago(t)}` }, text,
    how === 'both' ? h('span', { class: 'ago' }, ` UTC · ${ago(t)}`) : null);
}

const marks = { alert: '▲', confirmed: '◆', watch: '◐', benign: '✓' };

export const badge = (status) => (marks[status] ? h('span', { class: `badge ${status}` }, h('span', { 'aria-hidden': 'true' }, marks[status]), ' ', status) :
  h('span', { class: 'faint' }, h('span', { 'aria-hidden': 'true' }, '–'), h('span', { class: 'hidden' }, 'no status')));

// meter is a small bar from 0 to most beside its number.
export const meter = (value, most, text) => h('span', { class: 'meter' },
  h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', { css: { width: `${Math.min(100, Math.max(0, (100 * value) / (most || 1)))}%` } })),
  h('span', { class: 'n' }, text));
