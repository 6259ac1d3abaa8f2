// Pages of a server that wants to know who asks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open, settled, started } from './helper.js';

const { browser, chorus } = await started({ load: true, tokens: { ann: 'decide', rob: 'read', gate: 'ingest' } });

const signIn = async (page, token) => {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
};

test('readers sign in, decide in their name, and sign out', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await context.addInitScript(await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8'));
  await page.goto(`${chorus.url}/#/campaigns`);
  await page.locator('h1', { hasText: 'Sign in' }).waitFor();
  assert.deepEqual((await page.evaluate(() => axe.run())).violations.map((v) => v.id), []);
  await page.screenshot({ path: join(process.env.OUT, 'signin-1280-light.png') });
  await signIn(page, 'chorus_wrong');
  await page.getByText('There is no such token').waitFor();
  await signIn(page, chorus.tokens.gate);
  await page.getByText('may not read').waitFor();
  await signIn(page, chorus.tokens.ann);
  await page.locator('h1', { hasText: 'Campaigns' }).waitFor();
  assert.ok(page.url().endsWith('#/campaigns'), 'the page that was asked for');
  await page.locator('tbody a').first().click();
  await page.locator('h1', { hasText: 'Campaign c' }).waitFor();
  await settled(page);
  assert.equal(await page.getByLabel('Your name').count(), 0);
  await page.getByLabel('Confirmed').check();
  await page.getByLabel('Reason').fill('seen elsewhere');
  await page.getByRole('button', { name: 'Record verdict' }).click();
  await page.locator('.head .badge.confirmed').waitFor();
  assert.match(await page.locator('.record').textContent(), /ann/);
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts cannot read the session');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.locator('h1', { hasText: 'Sign in' }).waitFor();
  await signIn(page, chorus.tokens.rob);
  await page.getByText('may look, but not decide').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Record verdict' }).count(), 0);
  assert.match(await page.locator('.record').textContent(), /seen elsewhere/);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a restart signs nobody out', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await page.goto(`${chorus.url}/#/campaigns`);
  await page.locator('h1', { hasText: 'Sign in' }).waitFor();
  await signIn(page, chorus.tokens.ann);
  await page.locator('h1', { hasText: 'Campaigns' }).waitFor();
  await chorus.down();
  await chorus.up();
  await page.reload();
  await page.locator('h1', { hasText: 'Campaigns' }).waitFor();
  assert.equal(await page.locator('h1', { hasText: 'Sign in' }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a session that ends leads back to the form', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await page.goto(chorus.url);
  await page.locator('h1', { hasText: 'Sign in' }).waitFor();
  await signIn(page, chorus.tokens.ann);
  await page.locator('h1', { hasText: 'Overview' }).waitFor();
  await context.clearCookies();
  await page.locator('h1', { hasText: 'Sign in' }).waitFor(); // the overview asks every five seconds
  assert.equal(await page.locator('.card').count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});
