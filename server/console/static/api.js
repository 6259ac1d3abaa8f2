// What the pages ask the server.

// An APIError is an answer that is no success: its status, and the title and
// detail of its problem document (RFC 9457).
export class APIError extends Error {
  constructor(status, title, detail, id) {
    super(detail || title);
    Object.assign(this, { status, title, detail, id });
  }
}

async function ask(method, path, { query, body, signal } = {}) {
  const url = new URL(path, document.baseURI);
  for (const [k, v] of Object.entries(query || {})) {
    if (v !== undefined && v !== null && v !== '') url.searchParams.set(k, v);
  }
  const init = { method, signal, headers: { Accept: 'application/json' }, credentials: 'same-origin' };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(url, init);
  } catch (err) {
    if (err.name === 'AbortError') throw err;
    throw new APIError(0, 'The server does not answer', 'No answer came. Is chorus still running, and can this browser reach it?');
  }
  const json = /^application\/(problem\+)?json/.test(answer.headers.get('Content-Type') || '');
  if (!answer.ok) {
    const problem = json ? await answer.json().catch(() => ({})) : {};
    throw new APIError(answer.status, problem.title || answer.statusText || `HTTP ${answer.status}`, problem.detail,
      answer.headers.get('X-Request-Id'));
  }
  return json ? answer.json() : answer.blob();
}

export const get = (path, query, signal) => ask('GET', path, { query, signal });
export const post = (path, body, query) => ask('POST', path, { body, query });

const part = encodeURIComponent;

export const stats = (signal) => get('v1/stats', {}, signal);
export const campaign = (id, signal) => get(`v1/campaigns/${part(id)}`, {}, signal);
export const matrix = (id, limit, signal) => get(`v1/campaigns/${part(id)}/matrix`, { limit }, signal);
export const template = (id, signal) => get(`v1/templates/${part(id)}`, {}, signal);
export const account = (id, signal) => get('v1/accounts', { id }, signal); // an id like .. is no part of a path
export const keyedExport = (id, accounts, key) => post(`v1/campaigns/${part(id)}/export`, { format: 'stix', accounts, key }); // a Blob
export const importBundle = (bundle, key) => post('v1/campaigns/import', { bundle, key: key || undefined });
export const exportOf = (id, format, accounts) => `v1/campaigns/${part(id)}/export?format=${part(format)}${accounts ? '&accounts=true' : ''}`;

// latest gives each call a signal that the next call aborts: an answer that
// comes late does not take the place of one asked for after it.
export function latest(signal) {
  let last;
  return () => {
    last?.abort();
    last = new AbortController();
    return AbortSignal.any([signal, last.signal]);
  };
}

// all follows the cursors of a list up to so many items; more says whether
// there are others.
export async function all(path, query, signal, most = 5000) {
  const items = [];
  let cursor = '';
  do {
    const page = await get(path, { limit: 500, ...query, cursor: cursor || query?.cursor }, signal);
    items.push(...page.items);
    cursor = page.next || '';
  } while (cursor && items.length < most);
  return { items, more: Boolean(cursor) };
}

// verdicts are the labels given to a template or campaign, the newest first.
export async function verdicts(kind, id, signal) {
  const found = [];
  let after = 0;
  for (;;) {
    const page = await get('v1/labels', { after: after || undefined, limit: 1000, [kind]: id }, signal);
    found.push(...page.items.filter((l) => l[kind] === id));
    const last = page.items.at(-1)?.seq;
    if (!page.next || !last || last <= after) break;
    after = last;
  }
  return found.sort((a, b) => b.seq - a.seq);
}
