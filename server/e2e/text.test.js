// Properties of the modules that take strangers' text apart, in the browser
// that will run them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, started } from './helper.js';

const { browser, chorus } = await started();
const { page } = await open(browser, chorus.url);
await page.goto(chorus.url);

test('pieces of any text are the text, without what cannot be seen', async () => {
  const wrong = await page.evaluate(async () => {
    const { pieces } = await import('/console/text.js');
    const alphabet = ['a', 'Z', ' ', '\n', '\t', '\u0000', '\u0007', '\u0085', '\u202e', '\u2066', '\u200b', '\u200d', '\ufeff', '\u00ad', '\u{e0041}', '\u{e0100}', 'о', 'α', 'é', '語', '👩', '👩‍🔧', '❤️', '{1}', '<b>', 'ـ', '\u0301', '\ufe0f'];
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const out = [];
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('');
      const all = pieces(text);
      if (all.map((p) => p.text ?? p.letter ?? String.fromCodePoint(p.code).repeat(p.n)).join('') !== text) out.push(['lost', text]);
      if (all.some((p) => /[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b\ufeff\u{e0000}-\u{e0fff}]/u.test(p.text ?? ''))) out.push(['hidden', text]);
    }
    return out.slice(0, 3);
  });
  assert.deepEqual(wrong, []);
});

test('emoji and ordinary words of any script stay as they are', async () => {
  const marked = await page.evaluate(async () => {
    const { pieces } = await import('/console/text.js');
    return ['👩‍🔧 ❤️ 👍🏽 🏳️‍🌈 1️⃣', 'Москва и Ελλάδα', 'naïve café', '日本語の文', 'שלום עולם', 'مرحبا'].filter((t) => pieces(t).length !== 1);
  });
  assert.deepEqual(marked, []);
});

test('a pattern cut apart is the pattern', async () => {
  const wrong = await page.evaluate(async () => {
    const { cut, marks, align } = await import('/console/pattern.js');
    const alphabet = ['Solve ', '{1}', '{2}', '{3}', ' by ', '{', '}', '{10}', '{01}', 'x'];
    let seed = 3;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const out = [];
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join('');
      const slots = random(4);
      const parts = cut(text, slots);
      if (parts.map((p) => (typeof p === 'string' ? p : `{${p + 1}}`)).join('') !== text) out.push(['cut', text, parts]);
      const numbers = parts.filter((p) => typeof p === 'number');
      if (numbers.some((n, k) => n !== k) || numbers.length > slots || numbers.length !== Math.min(slots, marks(text))) out.push(['slots', text, parts]);
      const other = Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join('');
      if (align(parts, other).map(([t]) => t).join('') !== other) out.push(['align', text, other]);
    }
    const filled = align(cut('Solve {1} by steps.', 1), 'Solve the riddle by steps.');
    if (JSON.stringify(filled) !== '[["Solve",false],[" the riddle ",true],["by steps.",false]]') out.push(filled);
    return out.slice(0, 3);
  });
  assert.deepEqual(wrong, []);
});

test('days without prompts have their place, and many days gather', async () => {
  const wrong = await page.evaluate(async () => {
    const { calendar, nice } = await import('/console/chart.js');
    const out = [];
    const few = calendar([{ day: '2026-02-27', n: 1 }, { day: '2026-03-02', n: 4 }], ['n']);
    if (few.map((d) => `${d.day.slice(5)}:${d.n}`).join() !== '02-27:1,02-28:0,03-01:0,03-02:4') out.push(few);
    const day = (i) => new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10);
    const many = calendar(Array.from({ length: 1000 }, (_, i) => ({ day: day(i), n: 1 })), ['n'], 180);
    if (many.length > 180 || many.reduce((s, d) => s + d.n, 0) !== 1000 || many.at(-1).last !== day(999)) out.push(many.length);
    for (let n = 1; n < 5000; n++) if (nice(n) < n || nice(n) > 2.5 * n) out.push(['nice', n, nice(n)]);
    return out;
  });
  assert.deepEqual(wrong, []);
});
