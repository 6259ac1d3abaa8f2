// What an investigator does, in order, on the demo log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { Chorus, go, known, open, ring, settled, started } from './helper.js';

const { browser, chorus } = await started({ load: true });
const demo = await known(chorus);

const tutor = 'You are a patient tutor. Work through the exercise below in numbered steps';

test('from an alert to a verdict, and back', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await go(page, chorus.url, '');
  assert.equal(await page.title(), 'Overview · Chorus');
  const alerts = page.locator('.tile', { hasText: 'Alerts' }).locator('.value');
  const before = Number(await alerts.textContent());
  assert.ok(before >= 5, `${before} alerts`);
  const card = page.locator('.card', { hasText: 'patient tutor' });
  assert.equal(await card.locator('time').textContent(), (await card.locator('time').getAttribute('datetime')).slice(0, 16).replace('T', ' '), 'times are UTC');
  await card.locator('[data-row]').click();
  await page.locator('h1', { hasText: 'Campaign' }).waitFor();
  await settled(page);
  const id = (await page.locator('h1 .id').textContent()).trim();
  assert.match(await page.title(), new RegExp(`^${id}, alert`));
  assert.ok((await page.locator('.pattern').first().textContent()).startsWith(tutor));

  await page.locator('.slot').first().focus();
  const hint = page.locator('#tip');
  assert.match(await hint.textContent(), /Slot 1: \d+ different fillings/);
  assert.ok(await hint.locator('li').count() >= 2);
  assert.equal(await page.locator('.slot').first().getAttribute('aria-describedby'), 'tip');
  await page.keyboard.press('Escape');
  assert.ok(await hint.isHidden());

  const points = (await page.locator('.factors li .points').allTextContents()).map((p) => Number(p.replace('−', '-')));
  const score = Number(await page.locator('.big-score').textContent());
  assert.ok(Math.abs(points.reduce((a, b) => a + b) - score) < 0.5, `points ${points} make ${score}`);
  assert.equal(await page.locator('td .account').count(), 25, 'members are shown in portions');

  const following = await page.locator('[data-next]').getAttribute('href');
  assert.match(following, /^#\/campaigns\/c\d+$/);
  assert.notEqual(following, `#/campaigns/${id}`);
  await page.keyboard.press('n');
  await page.locator('h1 .id', { hasText: following.split('/')[2] }).waitFor();
  await page.goBack();
  await page.locator('h1 .id', { hasText: id }).waitFor();
  await settled(page);

  await page.keyboard.press('b');
  await page.keyboard.press('Space');
  await page.getByLabel('Reason').fill('a class of ours');
  await page.getByLabel('Your name').fill('ann');
  await page.getByRole('button', { name: 'Record verdict' }).click();
  await page.locator('.head .badge.benign').waitFor();
  assert.match(await page.locator('.record').textContent(), /a class of ours.*ann/s);
  await page.locator('.toast', { hasText: 'recorded as benign' }).waitFor();

  const other = await context.newPage();
  await go(other, chorus.url, '');
  assert.equal(Number(await other.locator('.tile', { hasText: 'Alerts' }).locator('.value').textContent()), before - 1);
  assert.equal(await other.locator('.card', { hasText: 'patient tutor' }).count(), 0);
  await other.close();

  assert.equal(await page.locator('.record').getByRole('button', { name: 'Undo' }).count(), 1);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.locator('.head .badge.alert').waitFor();
  assert.equal(await page.locator('.record li').count(), 2, 'nothing is deleted from the record');
  await page.goBack();
  await page.locator('h1', { hasText: 'Overview' }).waitFor();
  await page.waitForFunction((n) => document.querySelector('.tile .value')?.textContent === String(n), before);
  assert.deepEqual(faults, []);
  await context.close();
});

test('lists sort, filter and compare', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await go(page, chorus.url, 'campaigns');
  const column = (i) => page.locator(`tbody tr td:nth-child(${i})`).allTextContents();
  await page.getByRole('button', { name: 'Accounts' }).click();
  const counts = (await column(6)).map(Number);
  assert.deepEqual(counts, [...counts].sort((a, b) => b - a));
  assert.equal(await page.locator('th[aria-sort="descending"]').textContent(), 'Accounts');
  await page.getByRole('button', { name: /^alert/ }).click();
  assert.ok((await column(3)).every((s) => s.includes('alert')));
  await page.getByLabel('Pattern contains').fill('PATIENT tutor');
  assert.equal(await page.locator('tbody tr').count(), 1);
  const address = page.url();
  await page.reload();
  await settled(page);
  assert.equal(page.url(), address);
  assert.equal(await page.locator('tbody tr').count(), 1, 'the address keeps the filters');
  await page.getByLabel('Pattern contains').fill('no such words');
  await page.getByText('No campaign matches').waitFor();

  await go(page, chorus.url, 'campaigns');
  await page.locator('tbody input').nth(0).check();
  await page.locator('tbody input').nth(1).check();
  await page.getByRole('link', { name: /^Compare c/ }).click();
  await page.locator('h1', { hasText: 'Compare' }).waitFor();
  assert.equal(await page.locator('.sides .panel').count(), 2);
  assert.ok(await page.locator('.pairs tbody tr').count() >= 6);
  assert.deepEqual(faults, []);
  await context.close();
});

test('attributes lead to what has them', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  for (const [one, list] of [[`campaigns/${demo.many}`, 'campaigns'], [`templates/${demo.template}`, 'templates']]) {
    await go(page, chorus.url, one);
    await page.locator('.facts .share', { hasText: /quill-3 \d+ %/ }).click();
    await page.locator('h1', { hasText: new RegExp(list, 'i') }).waitFor();
    const field = page.getByLabel('Attribute');
    assert.equal(await field.inputValue(), 'model=quill-3');
    await page.locator('tbody tr').first().waitFor();
    const ask = async (value) => {
      await field.fill(value);
      await field.press('Enter');
    };
    await ask('model=no-such');
    await page.getByText(/No (campaign|template) matches/).waitFor();
    await ask('quill-3');
    await page.locator('[role=status]', { hasText: 'want name=value' }).waitFor();
    await ask('');
    await page.locator('tbody tr').first().waitFor();
  }
  assert.deepEqual(faults.filter((f) => !/422/.test(f)), []);
  await context.close();
});

test('the matrix, similar prompts, an account, exports', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await go(page, chorus.url, `campaigns/${demo.many}`);
  const canvas = page.locator('.matrix canvas');
  await canvas.focus();
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
  const told = await page.locator('.matrix-reading').textContent();
  assert.match(told, /^acct-\d+ · t\d+ · \d+ prompts?$/);
  const [account] = told.split(' ');
  await page.locator('.matrix summary').click();
  assert.ok((await page.locator('.matrix tbody').textContent()).includes(account));
  await page.locator('.drop summary').click();
  await page.getByLabel('with account ids').check();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /CSV/ }).click()]);
  const csv = await readFile(await download.path(), 'utf8');
  assert.equal(download.suggestedFilename(), `${demo.many}.csv`);
  assert.ok(csv.includes(account));
  await canvas.focus();
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: account }).waitFor();
  await page.getByRole('link', { name: demo.many }).waitFor();

  await go(page, chorus.url, 'similar');
  await page.getByLabel('A prompt, or a part of one').fill(demo.prompt);
  await page.getByLabel('Similarity at least').fill('0.2');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.locator('tbody .account').first().waitFor();
  assert.match(page.url(), /#\/similar$/, 'the text is not in the address');
  await go(page, chorus.url, `templates/${demo.template}`);
  await page.getByRole('button', { name: 'Who sent something like this?' }).first().click();
  await page.locator('h1', { hasText: 'Similar' }).waitFor();
  await page.locator('tbody .account').first().waitFor();
  assert.match(page.url(), /#\/similar$/, 'nor that of an exemplar');
  assert.deepEqual(faults, []);
  await context.close();
});

test('a bundle for a partner matches with its key only', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await go(page, chorus.url, `campaigns/${demo.wide}`);
  await page.locator('.drop summary').click();
  await page.getByLabel('For a partner').fill('sesame-0123456789');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save' }).click()]);
  assert.equal(download.suggestedFilename(), `${demo.wide}.stix.json`);
  assert.equal(await page.getByLabel('For a partner').inputValue(), '', 'the key does not stay');
  await go(page, chorus.url, 'campaigns');
  await page.getByRole('link', { name: 'Match a bundle' }).click();
  await page.locator('#file').setInputFiles(await download.path());
  await page.getByRole('button', { name: 'Match' }).click();
  await page.getByText('made with another key: enter it above').waitFor();
  await page.getByLabel('Key, if').fill('sesame-0123456789');
  await page.getByRole('button', { name: 'Match' }).click();
  await page.locator('tbody').getByRole('link', { name: demo.wide, exact: true }).first().waitFor();
  assert.ok(!page.url().includes('sesame'));
  await page.locator('#file').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('no JSON') });
  await page.getByRole('button', { name: 'Match' }).click();
  await page.getByText('The file is no JSON').waitFor();
  await page.locator('#file').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"type":"sesame"}') });
  await page.getByRole('button', { name: 'Match' }).click();
  await page.locator('.error', { hasText: 'bundle' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('accounts of any name have a page', async () => {
  const mine = await Chorus.start();
  const odd = ['..', '.', 'a/b', '%2F', '?x=1#y', '+', ' a b ', 'ä€😀', 'x'.repeat(1024)];
  const { page, context, faults } = await open(browser, mine.url);
  await mine.send(odd.map((account) => ({ account, text: 'A question that all of them ask in the very same words, whatever the name is' })));
  await go(page, mine.url, 'templates');
  await page.locator('tbody a').first().click();
  await page.locator('td .account').first().waitFor();
  const links = await page.locator('td .account').all();
  assert.equal(links.length, odd.length);
  const hrefs = await Promise.all(links.map((l) => l.getAttribute('href')));
  for (const href of hrefs) {
    await go(page, mine.url, href.replace(/^#\//, ''));
    assert.ok(odd.map((o) => o.trim()).includes((await page.locator('h1 .id').textContent()).trim()), href);
    await page.locator('td a[href^="#/templates"]').first().waitFor();
  }
  await page.keyboard.press('/');
  await page.keyboard.type('@..');
  await page.keyboard.press('Enter');
  await page.locator('h1 .id', { hasText: /^\.\.$/ }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await mine.down();
});

test('the keyboard goes everywhere', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  await go(page, chorus.url, '');
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('href') || document.activeElement.tagName);
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'H1');
  assert.ok(page.url().endsWith('#/'), 'skipping is no navigation');
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.locator('h1', { hasText: 'Campaigns' }).waitFor();
  await settled(page);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const second = await focused();
  assert.match(second, /^#\/campaigns\/c\d+$/);
  await page.keyboard.press('k');
  assert.notEqual(await focused(), second);
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  assert.match(await page.locator('.head .button').last().textContent(), /^Compare c\d+ with c\d+$/);
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: second.split('/')[2] }).waitFor();
  assert.equal(await focused(), 'H1', 'a new page has the focus');
  await page.goBack();
  await page.locator('h1', { hasText: 'Campaigns' }).waitFor();
  await page.waitForFunction((href) => document.activeElement.getAttribute('href') === href, second);
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  assert.equal(await focused(), 'words');
  await page.keyboard.type(`@${demo.account}`);
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: demo.account }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('what strangers write is shown and never run', async () => {
  const mine = await Chorus.start();
  const { page, context, faults } = await open(browser, mine.url);
  const evil = 'Answer as <img src=x onerror="alert(1)"> would, and <script>alert(2)</script> keep \u202eevil\u202c \u200b\u200b\u200bhidden \u0430pple words: {} {1} </textarea> ' +
    Array.from({ length: 300 }, (_, i) => `${'abcdefghij'[i % 10]}${'klmnopqr'[i % 7]}${'stuvwxyz'[i % 8]}y`).join(' ');
  await mine.send(ring('"><svg onload=alert(3)>/../a%2Fb?#', evil, { n: 25 }));
  await go(page, mine.url, '');
  await page.locator('.card [data-row]').first().click();
  await page.locator('.pattern').waitFor();
  const shown = await page.locator('.pattern').first().textContent();
  for (const text of ['<img src=x onerror="alert(1)">', '<script>alert(2)</script>', '202E', '200B ×3']) assert.ok(shown.includes(text), `${text} in ${shown}`);
  assert.ok(!shown.includes('\u202e') && !shown.includes('\u200b'));
  assert.equal(await page.locator('.pattern .alike').first().textContent(), '\u0430');
  await page.getByRole('button', { name: /^Show all 1,\d+ characters/ }).first().click();
  assert.equal(await page.locator('.pattern.cut').count(), 0);
  await page.locator('td .account').first().click();
  await page.locator('h1', { hasText: '"><svg onload=alert(3)>/../a%2Fb?#' }).waitFor();
  const template = await page.locator('td a[href^="#/templates"]').first().getAttribute('href');
  for (const hash of [template.slice(2), 'campaigns', 'templates', 'flags', 'similar']) {
    await go(page, mine.url, hash);
    assert.equal(await page.locator('main img, main script, main svg[onload]').count(), 0, hash);
  }
  for (const hash of ['accounts/%3Cimg%20src%3Dx%3E', 'campaigns/%00', 'templates/..%2f..', 'no/such/page', 'accounts/%E0%A4%A', 'search?q=%3Cscript%3E']) {
    await page.goto(`${mine.url}/#/${hash}`);
    await page.locator('main:not([aria-busy]) h1').waitFor();
    assert.equal(await page.locator('main img, main script').count(), 0, hash);
  }
  assert.deepEqual(faults, []);
  await context.close();
  await mine.down();
});

test('flags arrive while the page is open, also after the server was away', async () => {
  const mine = await Chorus.start();
  const { page, context, faults } = await open(browser, mine.url);
  await go(page, mine.url, '');
  await page.getByText('Nothing has been sent yet').waitFor();
  await go(page, mine.url, 'flags');
  await page.getByText('No flags yet').waitFor();
  await mine.send(ring('first', 'Write the quarterly summary for the harbour office in plain words and end with a haiku about {} please'));
  await page.locator('.flags li.campaign').first().waitFor();
  const seen = await page.locator('.flags li').count();
  await mine.down();
  await page.locator('#live[data-state=off]').waitFor();
  await mine.up();
  await mine.send(ring('second', 'Translate every line of the old railway timetable into verse, one couplet for each station: {}', { from: '2026-06-17T00:00:00Z' }));
  await page.waitForFunction((n) => document.querySelectorAll('.flags li').length > n, seen);
  const numbers = (await page.locator('.flags .seq').allTextContents()).map(Number);
  assert.deepEqual(numbers, numbers.map((_, i) => numbers.length - i), 'none twice, none missing');
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.locator('.card').first().waitFor();
  await mine.down();
  await page.locator('nav a', { hasText: 'Templates' }).click();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await mine.up();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('h1', { hasText: 'Templates' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
  await mine.down();
});

test('the overview stays where its reader is while prompts come in', async () => {
  const mine = await Chorus.start();
  await mine.send(ring('first', 'Write the quarterly summary for the harbour office in plain words and end with a haiku about {} please'));
  const { page, context, faults } = await open(browser, mine.url);
  await go(page, mine.url, '');
  const card = page.locator('.card [data-row]').first();
  await card.focus();
  const href = await card.getAttribute('href');
  await mine.send(ring('second', 'Translate every line of the old railway timetable into verse, one couplet for each station: {}', { from: '2026-06-17T00:00:00Z' }));
  await page.waitForFunction(() => document.querySelectorAll('.card').length === 2);
  await page.waitForFunction(() => /a second/.test(document.querySelector('.tiles').textContent));
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), href);
  assert.deepEqual(faults, []);
  await context.close();
  await mine.down();
});

test('search finds words, and shows where they stand', async () => {
  const { page, context, faults } = await open(browser, chorus.url);
  for (let i = 0; i < 100; i++) { // the words are gathered in the background
    const found = await fetch(`${chorus.url}/v1/search?q=tutor`).then((r) => r.json());
    if (found.items?.length && found.complete) break;
    await new Promise((r) => setTimeout(r, 100));
  }
  await go(page, chorus.url, '');
  await page.keyboard.press('/');
  await page.keyboard.type('"patient tutor"');
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'Search' }).waitFor();
  await page.locator('tbody mark').first().waitFor();
  assert.match((await page.locator('tbody mark').allTextContents()).join(' '), /patient.*tutor/s);
  const rows = await page.locator('tbody tr').count();
  await page.getByRole('button', { name: /^benign/ }).click();
  await page.getByText('No template has these words').waitFor();
  await page.getByRole('button', { name: /^benign/ }).click();
  await page.waitForFunction((n) => document.querySelectorAll('tbody mark').length && document.querySelectorAll('tbody tr').length === n, rows);
  await go(page, chorus.url, `search?q=${encodeURIComponent('"<b> (OR ~ -')}`);
  await page.locator('h1', { hasText: 'Search' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(demo.many);
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'Campaign' }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
