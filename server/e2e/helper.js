// A chorus server of its own for each test that wants one, and a browser that
// records what it must not do.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const binary = join(process.env.WORK, 'chorus');
const demo = new URL('../../testdata/demo.jsonl.gz', import.meta.url).pathname;
let made = 0;

// A Chorus is an index with a server.
export class Chorus {
  constructor() {
    this.db = join(process.env.WORK, `${process.pid}-${++made}.db`);
  }

  static async start({ load = false, tokens = {} } = {}) {
    const c = new Chorus();
    c.tokens = {};
    if (load) await run(binary, ['load', '--db', c.db, demo]);
    for (const [name, role] of Object.entries(tokens)) {
      const { stdout } = await run(binary, ['token', 'create', name, '--role', role, '--db', c.db, '--json']);
      c.tokens[name] = JSON.parse(stdout).token;
    }
    await c.up();
    return c;
  }

  // up starts the server, at the address that it had before.
  async up() {
    this.process = spawn(binary, ['serve', '--db', this.db, '--listen', this.url ? new URL(this.url).host : '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    await new Promise((serving, failed) => {
      this.process.once('exit', () => failed(new Error(`chorus serve: ${said}`)));
      this.process.stderr.on('data', (d) => {
        said += d;
        const [, url] = said.match(/ at (http:\S+)/) || [];
        if (url) serving((this.url = url));
      });
    });
  }

  async down() {
    if (this.process.exitCode !== null) return;
    this.process.kill('SIGTERM');
    await once(this.process, 'exit');
  }

  async send(prompts, headers = {}) {
    const r = await fetch(`${this.url}/v1/prompts`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson', ...headers }, body: prompts.map((p) => JSON.stringify(p)).join('\n') });
    assert.equal(r.status, 200, await r.text());
  }
}

// started gives a test file a browser and a server, and ends both after it.
export async function started(options) {
  const [browser, chorus] = await Promise.all([launch(), Chorus.start(options)]);
  after(async () => { await browser.close(); await chorus.down(); });
  return { browser, chorus };
}

// known names what the demo log is known to have: the campaign of most
// templates with one of its members, that of most accounts, its template, and a
// prompt of that.
export async function known(chorus) {
  const get = (path) => fetch(`${chorus.url}/v1/${path}`).then((r) => r.json());
  const { items } = await get('campaigns?status=alert&limit=100');
  const most = (f) => items.reduce((a, b) => (f(b) > f(a) ? b : a));
  const [many, wide] = [most((c) => c.templates.length), most((c) => c.accounts)];
  const { members } = await get(`campaigns/${many.id}`);
  const { exemplars } = await get(`templates/${wide.templates[0].id}`);
  return { many: many.id, wide: wide.id, template: wide.templates[0].id, account: members[0].account, prompt: exemplars[0] };
}

// ring is what one campaign sends: n accounts, each some fillings of a template.
export function ring(name, template, { n = 30, each = 4, from = '2026-06-15T00:00:00Z' } = {}) {
  const words = 'harbour lantern violet marble thicket saffron pebble orchard walnut glacier meadow copper falcon ribbon timber velvet'.split(' ');
  let at = Date.parse(from);
  return Array.from({ length: n * each }, (_, i) => {
    const filling = [1, 3, 7, 11, 13].map((k) => words[(i * k + Math.floor(i / 5)) % words.length] + String.fromCharCode(97 + (i * k) % 26)).join(' ');
    return { id: `${name}-${i}`, account: `${name}-${i % n}`, time: new Date((at += 120_000)).toISOString(), text: template.replace('{}', filling) };
  });
}

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: flags });

// open gives a page of its own context, and faults: every request to another
// origin, breach of the policy, script error and dialog.
export async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Asia/Tokyo', ...options });
  const faults = [];
  context.on('request', (r) => { if (new URL(r.url()).origin !== origin && !r.url().startsWith('data:')) faults.push(`request to ${r.url()}`); });
  await context.exposeBinding('reportFault', (_, text) => faults.push(text));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => reportFault(`policy: ${e.violatedDirective} ${e.blockedURI}`));
    window.shifts = 0; // how much of the page moved by itself
    new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts += e.value; }).observe({ type: 'layout-shift', buffered: true });
  });
  const page = await context.newPage();
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  page.on('dialog', (d) => { faults.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.setDefaultTimeout(60_000); // for busy machines
  return { page, context, faults };
}

// go shows a page of the console and waits until it is whole.
export async function go(page, origin, hash) {
  await page.goto(`${origin}/#/${hash}`);
  await settled(page);
}

export async function settled(page) {
  await page.locator('main:not([aria-busy]) h1').waitFor();
  await page.waitForFunction(() => !document.querySelector('main .skeleton') && document.getElementById('live').dataset.state !== 'off');
}
