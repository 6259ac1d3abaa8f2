// A chorus server of its own for each test that wants one, and a browser that
// records what it must not do.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const binary = join(process.env.WORK, 'chorus');
const demo = new URL('../testdata/demo.jsonl.gz', import.meta.url).pathname;
let made = 0;

async function freePort() {
  const s = createServer().listen(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  await once(s, 'close');
  return port;
}

// A Chorus is an index with a server.
export class Chorus {
  constructor() {
    this.db = join(process.env.WORK, `${++made}.db`);
  }

  static async start({ load = false, tokens = {} } = {}) {
    const c = new Chorus();
    c.tokens = {};
    if (load) await run(binary, ['load', '--db', c.db, demo]);
    for (const [name, role] of Object.entries(tokens)) {
      const { stdout } = await run(binary, ['token', 'create', name, '--role', role, '--db', c.db, '--json']);
      c.tokens[name] = JSON.parse(stdout).token;
    }
    c.port = await freePort();
    c.url = `http://127.0.0.1:${c.port}`;
    await c.up();
    return c;
  }

  async up() {
    this.process = spawn(binary, ['serve', '--db', this.db, '--listen', `127.0.0.1:${this.port}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    this.process.stderr.on('data', (d) => { said += d; });
    for (let i = 0; i < 200; i++) {
      if (await fetch(`${this.url}/readyz`).then((r) => r.ok, () => false)) return;
      if (this.process.exitCode !== null) break;
      await new Promise((r) => setTimeout(r, 50));
    }
    throw new Error(`chorus serve did not start: ${said}`);
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

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: flags });

// open gives a page of its own context, and faults: every request to another
// origin, breach of the policy, script error and dialog.
export async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Asia/Tokyo', ...options });
  const faults = [];
  context.on('request', (r) => { if (new URL(r.url()).origin !== origin && !r.url().startsWith('data:')) faults.push(`request to ${r.url()}`); });
  await context.exposeBinding('reportFault', (_, text) => faults.push(text));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => reportFault(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  const page = await context.newPage();
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  page.on('dialog', (d) => { faults.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.setDefaultTimeout(10_000);
  return { page, context, faults };
}

// go shows a page of the console and waits until it is whole.
export async function go(page, origin, hash) {
  await page.goto(`${origin}/#/${hash}`);
  await settled(page);
}

export async function settled(page) {
  await page.locator('main:not([aria-busy]) h1').waitFor();
  await page.waitForFunction(() => !document.querySelector('main .skeleton, main .reserve > .note') && document.getElementById('live').dataset.state !== 'off');
}
