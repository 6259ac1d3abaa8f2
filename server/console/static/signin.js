// The form that is shown when the server wants to know who asks.

import { h, show } from './dom.js';
import * as live from './live.js';
import * as session from './session.js';

// signIn is the page; when it succeeded, the page that was asked for is shown.
export function signIn(ctx) {
  ctx.title('Sign in');
  const token = h('input', { id: 'token', type: 'password', required: true, autocomplete: 'current-password', spellcheck: 'false', 'data-focus': true });
  const problem = h('p', { class: 'error', role: 'alert' });
  const submit = async (e) => {
    e.preventDefault();
    show(problem);
    const answer = await send('login', { token: token.value.trim() }).catch(() => null);
    if (!answer) return show(problem, 'The server does not answer.');
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      show(problem, answer.status === 401 ? 'There is no such token, or it has been revoked or has expired.' : said.detail || said.title || `HTTP ${answer.status}`);
      return token.select();
    }
    await session.ask();
    if (!session.reads) {
      await signOut();
      return show(problem, 'This token may not read: sign in with one of the role read, decide or admin.');
    }
    live.again();
    ctx.reload();
  };
  return h('section', { class: 'signin' },
    h('h1', { tabindex: '-1' }, 'Sign in'),
    h('p', {}, 'Enter a token that may read. Whoever runs this server makes one with'),
    h('pre', {}, 'chorus token create NAME --role decide'),
    h('form', { onsubmit: submit }, h('label', { for: 'token' }, 'Token'), token, h('button', { class: 'main' }, 'Sign in'), problem));
}

export const signOut = async () => {
  await send('logout', {}).catch(() => null);
  await session.ask();
  live.again();
};

const send = (path, body) => fetch(new URL(path, document.baseURI), {
  method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body),
});
