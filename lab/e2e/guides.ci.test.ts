import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { freePort, root, start } from '@rondo/harness';
import { balancingText, POLICIES } from '@rondo/rpc/internal';
import { Pool } from 'pg';
import { readGuide } from '../../e2e/src/docs.js';
import { runFile, startFile } from './src/run-guide.js';

describe('the scripts of all guides', () => {
  const folder = join(root, 'e2e');
  const saved: string[] = [];

  afterAll(() => {
    for (const file of saved) rmSync(file);
  });

  it('pass the format and lint of npm run check where their readers save them', async () => {
    const guides = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md'));
    for (const guide of guides.map(readGuide)) {
      for (const name of guide.files.filter((file) => /^[\w-]+\.mjs$/.test(file))) {
        saved.push(join(folder, `.guide-check-${name}`));
        writeFileSync(join(folder, `.guide-check-${name}`), guide.code(name));
      }
    }
    expect(saved.length).toBeGreaterThan(7);
    const args = ['ci', '--error-on-warnings', '--vcs-use-ignore-file=false', ...saved];
    const { code, stdout, stderr } = await start('node_modules/.bin/biome', args).ended;
    expect({ code, output: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, output: '' });
  });
});

describe('docs/guides/call-a-service.md', () => {
  const guide = readGuide('call-a-service.md');

  it('has a first call of under 40 lines', () => {
    expect(guide.code('first-call.mjs').trimEnd().split('\n').length).toBeLessThan(40);
  });

  it('has a first call that runs unchanged, and ends by itself', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(guide, 'first-call.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.match(/^2 \+ \d = \d$/gm)).toEqual([
      '2 + 1 = 3',
      '2 + 2 = 4',
      '2 + 3 = 5',
      '2 + 4 = 6',
      '2 + 5 = 7',
      '2 + 6 = 8',
    ]);
    expect(stdout.match(/^call \d was served by (one|two|three)$/gm)).toHaveLength(6);
  });

  it.each(['discovery', 'metadata', 'dynamic'])(
    'has %s.mjs, which runs unchanged and prints what the guide shows',
    async (name) => {
      const { code: exitCode, stdout, stderr } = await runFile(guide, `${name}.mjs`);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toBe(guide.code(`${name}.output`));
    },
  );
});

describe('docs/guides/observe.md', () => {
  it('has a script that reads the spans that a process keeps', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(readGuide('observe.md'), 'kept.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe('rondo.conformance.v1.AdderService/Add: 2 spans\n');
  });

  it('has a script that runs unchanged, and prints the span of the handler and those of its call', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(readGuide('observe.md'), 'follow.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const call = '"name":"rondo.conformance.v1.AdderService/Add"';
    expect(stdout.trim().split('\n')).toEqual(['"name":"add up"', call, call]);
  });
});

describe('docs/guides/balancing.md', () => {
  const guide = readGuide('balancing.md');
  const text = readFileSync(join(root, 'docs/guides/balancing.md'), 'utf8');

  it('describes every policy', () => {
    expect(Object.keys(POLICIES).filter((policy) => !text.includes(`\n### ${policy}\n`))).toEqual([]);
  });

  it('has no broken links, and small pictures', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      join(root, 'docs/guides', link),
    );
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
    const pictures = links.filter((link) => link.endsWith('.svg'));
    expect(pictures.length).toBeGreaterThan(Object.keys(POLICIES).length);
    expect(pictures.filter((picture) => statSync(picture).size >= 30_000)).toEqual([]);
  });

  it('has a valid configuration', () => {
    const configured = guide.commands.flatMap((line) => /^RONDO_BALANCING='(.*)'$/.exec(line)?.[1] ?? []);
    expect(configured).toHaveLength(1);
    expect(configured.map(balancingText.parse)).toEqual([
      {
        faults: [],
        value: {
          'helloworld.Greeter': { policy: 'least_request' },
          'shop.v1.OrderService': { policy: 'weighted_round_robin', weights: 'load' },
        },
      },
    ]);
  });
});

describe('the policies of @rondo/balancing', () => {
  it.each([
    ['balancing.md', 'policies'],
    ['balancing.md', 'scatter'],
    ['failures.md', 'guards'],
  ])('do what %s shows: %s.mjs', async (name, script) => {
    const guide = readGuide(name);
    const { code: exitCode, stdout, stderr } = await runFile(guide, `${script}.mjs`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code(`${script}.output`));
  });

  it.each([
    ['balancing.md', 'shop.proto'],
    ['failures.md', 'quotes.proto'],
  ])('stand in a contract of %s that compiles: %s', async (name, file) => {
    const folder = join(root, 'e2e/.guides-contract');
    readGuide(name).write(join(folder, 'shop/v1'), file);
    const google = 'node_modules/google-proto-files';
    const modules = [
      { path: 'proto', includes: ['proto/rondo/options'] },
      { path: google, includes: [`${google}/google/rpc`], excludes: [`${google}/google/rpc/context`] },
      { path: 'e2e/.guides-contract' },
    ];
    const config = JSON.stringify({ version: 'v2', modules });
    const { code, stderr } = await start('node_modules/.bin/buf', ['build', '--config', config, '-o', '/dev/null'])
      .ended;
    rmSync(folder, { recursive: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('docs/guides/transactions.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('transactions.md');
    const { code: exitCode, stdout, stderr } = await runFile(guide, 'transactions.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

it('docs/guides/workflows.md runs three days of a workflow at once', async () => {
  const guide = readGuide('workflows.md');
  const { code: exitCode, stdout, stderr } = await runFile(guide, 'workflows.mjs');
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: guide.code('output'), stderr: '' });
});

describe('docs/guides/jobs.md', () => {
  it('has a script that runs unchanged, and does the job of today alone', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(readGuide('jobs.md'), 'jobs.mjs');
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: 'done: windows\n', stderr: '' });
  });
});

describe('docs/guides/events.md', () => {
  it('has a script that runs unchanged, and gets the events in their order', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(readGuide('events.md'), 'events.mjs');
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: 'king 1, king 2; touched at 3 replicas\n',
      stderr: '',
    });
  });

  it('has a game whose replicas all show the newest place of each player, also the slow one', async () => {
    const { code: exitCode, stdout, stderr } = await runFile(readGuide('events.md'), 'game.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [kept, ...shown] = stdout.trim().split('\n');
    expect(kept).toBe('20 players, each at one of 3 replicas');
    const events = shown.map((line) => Number(/^shows each at 30, by (\d+) moves, p99 [\d.]+ ms$/.exec(line)?.[1]));
    expect(events).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(events[2]).toBeLessThan(580);
  });
});

describe('docs/guides/one-package-alone.md', () => {
  const guide = readGuide('one-package-alone.md');
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());

  /** A database with the tables of a block. */
  async function databaseWith(tables: string): Promise<string> {
    const url = await postgres.createDatabase();
    const pool = new Pool({ connectionString: url });
    await pool.query(guide.code(tables));
    await pool.end();
    return url;
  }

  it('lists and updates a table as the guide shows', async () => {
    const url = await databaseWith('books.sql');
    const { code: exitCode, stdout, stderr } = await runFile(guide, 'books.mjs', url);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('books-output'));
  });

  it('changes two databases in one transaction as the guide shows', async () => {
    const [shopUrl, shippingUrl] = await Promise.all([databaseWith('orders.sql'), databaseWith('vans.sql')]);
    const [shop, shipping] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const participant = startFile(guide, 'shipping.mjs', shippingUrl, shipping, shop);
    await participant.printed(/shipping listens/);
    const { code: exitCode, stdout, stderr } = await runFile(guide, 'shop.mjs', shopUrl, shop, shipping);
    await participant.stop();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('shop-output'));
  });
});
