// Every page in both themes and two widths: nothing for axe to find, nothing
// beyond the edge of the window, and pictures for people to look at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { go, known, open, started } from './helper.js';

const axe = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const { browser, chorus } = await started({ load: true });
const demo = await known(chorus);

const pages = {
  overview: '', campaigns: 'campaigns', campaign: 'campaigns/MANY', compare: 'compare/MANY/WIDE', templates: 'templates', template: 'templates/TEMPLATE',
  account: 'accounts/ACCOUNT', flags: 'flags', similar: 'similar', bundle: 'bundle', search: 'search?q=tutor', missing: 'campaigns/c999999',
};

async function check(page) {
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

// beyond names what stands out of the window.
const beyond = (page) => page.evaluate(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll('main *')].filter((el) => el.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((el) => el.outerHTML.slice(0, 120));
});

for (const [name, hash] of Object.entries(pages)) {
  test(`page ${name}`, async () => {
    const { page, context, faults } = await open(browser, chorus.url, { colorScheme: 'light' });
    await context.addInitScript(axe);
    await go(page, chorus.url, hash.replace(/[A-Z]+/g, (name) => demo[name.toLowerCase()]));
    if (name === 'similar') {
      await page.locator('textarea').fill(demo.prompt);
      await page.getByLabel('Similarity at least').fill('0.2');
      await page.getByRole('button', { name: 'Find' }).click();
      await page.locator('[aria-live] tbody tr, [aria-live] .error, [aria-live] .note').first().waitFor();
      assert.equal(await page.locator('[aria-live] .error, [aria-live] .note').count(), 0);
    }
    const shifts = await page.evaluate(() => window.shifts);
    assert.ok(shifts < 0.02, `${name} moves by ${shifts} while it loads`);
    const shoot = (width, theme) => page.screenshot({ path: join(process.env.OUT, `${name}-${width}-${theme}.png`), fullPage: true });
    for (const [width, theme] of [[1280, 'light'], [1280, 'dark'], [390, 'dark'], [390, 'light']]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: width < 500 ? 844 : 800 });
      assert.deepEqual(await beyond(page), [], `${name} at ${width}`);
      if ((width > 500) === (theme === 'light')) assert.deepEqual(await check(page), [], `${name}, ${theme}, at ${width}`);
      await shoot(width, theme);
    }
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test('what opens is sound too', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await context.addInitScript(axe);
  await go(page, chorus.url, `campaigns/${demo.many}`);
  await page.keyboard.press('?');
  assert.deepEqual(await check(page), [], 'keyboard');
  await page.keyboard.press('Escape');
  await page.locator('.drop summary').click();
  await page.locator('.slot').first().focus();
  assert.equal(await page.locator('.drop[open]').count(), 0, 'closes when the reader goes elsewhere');
  await page.locator('.drop summary').click();
  assert.deepEqual(await check(page), [], 'export');
  await page.keyboard.press('Escape');
  for (const fold of await page.locator('.numbers summary').all()) await fold.click();
  assert.deepEqual(await check(page), [], 'tables');
  await page.setViewportSize({ width: 390, height: 844 });
  assert.deepEqual(await beyond(page), [], 'tables at 390');
  await page.getByRole('button', { name: 'Menu' }).click();
  assert.deepEqual(await check(page), [], 'menu');
  assert.deepEqual(await beyond(page), [], 'menu');
  await page.screenshot({ path: join(process.env.OUT, 'menu-390-light.png') });
  await page.getByLabel('Sorted by').selectOption('prompts');
  const sent = (await page.locator('.list td.right').allTextContents()).map(Number);
  assert.deepEqual(sent, [...sent].sort((a, b) => b - a), 'rows sort without headings too');
  await page.getByRole('link', { name: 'Flags', exact: true }).click();
  await page.locator('h1', { hasText: 'Flags' }).waitFor();
  assert.ok(await page.locator('#nav').isHidden());
  assert.deepEqual(faults, []);
  await context.close();
});

test('the theme switch holds against the system, and is kept', async () => {
  const { page, context, faults } = await open(browser, chorus.url, { colorScheme: 'light' });
  await go(page, chorus.url, 'flags');
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  const button = page.getByRole('button', { name: /^Theme/ });
  await button.click();
  await button.click();
  assert.equal(await button.getAttribute('aria-label'), 'Theme: dark');
  const dark = await paper();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await paper(), dark);
  assert.deepEqual(faults, []);
  await context.close();
});
