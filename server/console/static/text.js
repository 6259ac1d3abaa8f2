// Text that strangers wrote: control characters, characters without width,
// direction overrides and look-alike letters are made visible.

import { h } from './dom.js';
import { num } from './format.js';

const names = new Map(Object.entries({
  0x00ad: 'soft hyphen', 0x034f: 'grapheme joiner', 0x061c: 'Arabic letter mark', 0x115f: 'Hangul filler', 0x1160: 'Hangul filler',
  0x180e: 'Mongolian vowel separator', 0x200b: 'zero-width space', 0x200c: 'zero-width non-joiner', 0x200d: 'zero-width joiner',
  0x200e: 'left-to-right mark', 0x200f: 'right-to-left mark', 0x2028: 'line separator', 0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding', 0x202b: 'right-to-left embedding', 0x202c: 'pop directional formatting',
  0x202d: 'left-to-right override', 0x202e: 'right-to-left override', 0x2060: 'word joiner',
  0x2066: 'left-to-right isolate', 0x2067: 'right-to-left isolate', 0x2068: 'first strong isolate', 0x2069: 'pop directional isolate',
  0x3164: 'Hangul filler', 0xfeff: 'zero-width no-break space', 0xffa0: 'Hangul filler', 0xfffd: 'replacement character',
}).map(([k, v]) => [Number(k), v]));

// Line feeds and tabs stay as they are; so do the joiners inside an emoji.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|(?<![\p{Extended_Pictographic}\p{Emoji_Component}])[\ufe00-\ufe0f]/u;
const emojiJoiner = /(?<=\p{Extended_Pictographic}\ufe0f?[\u{1f3fb}-\u{1f3ff}]?)\u200d(?=\p{Extended_Pictographic})/u;
const special = new RegExp(`(?<joiner>${emojiJoiner.source})|(?<hidden>${hidden.source})|(?<word>(?:(?!${hidden.source})[\\p{L}\\p{M}])+)`, 'gu');

// pieces cuts text into {text}, {code, name, n} for n characters that cannot be
// seen, and {letter, script} for letters of another script inside a Latin word.
// All together they are the text again.
export function pieces(text) {
  const out = [];
  const plain = (t) => {
    if (!t) return;
    const last = out.at(-1);
    if (last?.text !== undefined) last.text += t;
    else out.push({ text: t });
  };
  let at = 0;
  for (const m of text.matchAll(special)) {
    plain(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m.groups.hidden) {
      const code = m[0].codePointAt(0);
      if (out.at(-1)?.code === code) out.at(-1).n++;
      else out.push({ code, n: 1, name: names.get(code) || (code >= 0xe0000 ? 'tag or variation character' : 'control character') });
    } else if (m.groups.word && /\p{Script=Latin}/u.test(m[0]) && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(m[0])) {
      for (const c of m[0]) {
        const script = foreign(c);
        if (script) out.push({ letter: c, script });
        else plain(c);
      }
    } else plain(m[0]);
  }
  plain(text.slice(at));
  return out;
}

function foreign(c) {
  if (/\p{Script=Cyrillic}/u.test(c)) return 'Cyrillic';
  if (/\p{Script=Greek}/u.test(c)) return 'Greek';
  if (/\p{Script=Armenian}/u.test(c)) return 'Armenian';
  if (/\p{Script=Cherokee}/u.test(c)) return 'Cherokee';
  return '';
}

const codeName = (code) => 'U+' + code.toString(16).toUpperCase().padStart(4, '0');

// visible makes nodes of text.
export function visible(text) {
  return pieces(String(text)).map((p) => {
    if (p.text !== undefined) return document.createTextNode(p.text);
    if (p.letter) return h('span', { class: 'alike', title: `${p.script} letter ${codeName(p.letter.codePointAt(0))} in a Latin word` }, p.letter);
    return h('span', { class: 'ctl', title: `${codeName(p.code)} ${p.name}` }, codeName(p.code).slice(2), p.n > 1 ? ` ×${num(p.n)}` : null);
  });
}

// said is an element with a stranger's text, kept apart from the direction of
// what stands around it.
export const said = (text, tag = 'span', kind = '') => h(tag, { class: `said ${kind}`.trim(), dir: 'auto' }, visible(text));
