// Variants of a template, and what comes together with one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { go, open, settled, started } from './helper.js';

const { browser, chorus } = await started({ load: true });

const list = async (query) => (await (await fetch(`${chorus.url}/v1/templates?limit=100&${query}`)).json()).items;

test('a campaign groups its templates by family, a template lists its variants', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  const campaigns = (await (await fetch(`${chorus.url}/v1/campaigns?status=alert&limit=100`)).json()).items;
  const c = campaigns.find((o) => o.templates.filter((t) => t.family).length > 2);
  const ours = c.templates.filter((t) => t.family === c.templates.find((o) => o.family).family);
  await go(page, chorus.url, `campaigns/${c.id}`);
  const fold = page.locator('.patterns details', { hasText: 'variant' }).first();
  assert.equal(await fold.locator('summary').textContent(), `and ${ours.length - 1} variants`);
  await fold.locator('summary').click();
  const variant = fold.locator('li .id').first();
  const id = await variant.textContent();
  assert.ok(ours.some((t) => t.id === id));
  await variant.click();
  await page.locator('h1', { hasText: id }).waitFor();
  await settled(page);
  const family = await list(`family=${ours[0].family}`);
  const panel = page.locator('.panel', { hasText: 'variants of it' });
  assert.equal(await panel.locator('li').count(), Math.min(25, family.length) - 1);
  assert.equal(await panel.locator('.id', { hasText: new RegExp(`^${id}$`) }).count(), 0);
  assert.equal(await page.locator('.panel', { hasText: 'Comes together with' }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a bundle is judged as a whole', async () => {
  const words = 'amber birch cedar delta ember fjord grove heath islet jetty knoll ledge marsh north oasis plain quarry ridge shore tundra'.split(' ');
  await chorus.send(Array.from({ length: 24 }, (_, i) => {
    const payload = [0, 1, 2, 3].map((k) => words[(i * 7 + k * 5) % 20] + words[(i * 3 + k * 11 + 1) % 20]).join(' ');
    return { time: `2026-06-14T23:${10 + i}:00Z`, account: `reader-${i % 8}`, messages: [
      { role: 'system', content: 'You are the polite voice of a large library and answer in no more than three lines.' },
      { role: 'user', content: i < 4 ? payload : `Please tell me what the reader below may borrow next and say in one word why: ${payload}` }] };
  }));
  const { page, context, faults } = await open(browser, chorus.url);
  const system = (await list('q=polite%20voice')).find((t) => t.bundle);
  await go(page, chorus.url, `templates/${system.id}`);
  const panel = page.locator('.panel', { hasText: 'Comes together with' });
  assert.match(await panel.locator('li').first().textContent(), /Please tell me what the reader/);
  await panel.locator('summary').click();
  await panel.getByLabel('Benign', { exact: true }).check();
  await panel.getByLabel('Reason').fill('a tool of ours');
  await panel.getByRole('button', { name: 'Record verdict' }).click();
  await page.locator('.head .badge.benign').waitFor();
  assert.ok((await list(`bundle=${system.bundle}`)).every((t) => t.status === 'benign'));
  await panel.locator('summary').click();
  assert.match(await panel.locator('.record').textContent(), /a tool of ours/);
  assert.deepEqual(faults, []);
  await context.close();
});
