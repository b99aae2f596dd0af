import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { root, runNode, start } from '@rondo/harness';
import { POLICIES, parseBalancing } from '@rondo/rpc/internal';
import { readGuide } from './src/docs.js';
import { runFile } from './src/run-guide.js';

describe('docs/guides/first-call.md', () => {
  const code = readGuide('first-call.md').code('first-call.mjs');

  it('is under 40 lines', () => {
    expect(code.trimEnd().split('\n').length).toBeLessThan(40);
  });

  it('runs unchanged, and ends by itself', async () => {
    const { code: exitCode, stdout, stderr } = await runFile('first-call.mjs', code);
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
});

describe('docs/guides/balancing.md', () => {
  const guide = readGuide('balancing.md');
  const text = readFileSync(join(root, 'docs/guides/balancing.md'), 'utf8');
  const folder = join(root, 'e2e/.guides-balancing');

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('describes every policy', () => {
    expect(POLICIES.filter((policy) => !text.includes(`\n### ${policy}\n`))).toEqual([]);
  });

  it('has no broken links, and small pictures', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      join(root, 'docs/guides', link),
    );
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
    const pictures = links.filter((link) => link.endsWith('.svg'));
    expect(pictures.length).toBeGreaterThan(POLICIES.length);
    expect(pictures.filter((picture) => statSync(picture).size >= 30_000)).toEqual([]);
  });

  it('has a contract that compiles', async () => {
    guide.write(join(folder, 'shop/v1'), 'shop.proto');
    const google = 'node_modules/google-proto-files';
    const modules = [
      { path: 'proto', includes: ['proto/rondo/options'] },
      { path: google, includes: [`${google}/google/rpc`], excludes: [`${google}/google/rpc/context`] },
      { path: 'e2e/.guides-balancing' },
    ];
    const config = JSON.stringify({ version: 'v2', modules });
    const { code, stderr } = await start('node_modules/.bin/buf', ['build', '--config', config, '-o', '/dev/null'])
      .ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('has a valid configuration', () => {
    const configured = guide.commands.flatMap((line) => /^RONDO_BALANCING='(.*)'$/.exec(line)?.[1] ?? []);
    expect(configured).toHaveLength(1);
    expect(configured.map(parseBalancing)).toEqual([
      {
        faults: [],
        overrides: {
          'helloworld.Greeter': { policy: 'least_request' },
          'shop.v1.OrderService': { policy: 'weighted_round_robin', weights: 'load' },
        },
      },
    ]);
  });

  it('has code that runs unchanged: three calls of four go to the instance with three times the weight', async () => {
    guide.write(folder, 'balancing.mjs');
    const { code, stdout, stderr } = await runNode([join(folder, 'balancing.mjs')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, large = '', small = ''] = /\{ large: (\d+), small: (\d+) \}/.exec(stdout) ?? [];
    expect(Number(large) + Number(small)).toBe(400);
    expect(Number(large)).toBeGreaterThanOrEqual(290);
    expect(Number(large)).toBeLessThanOrEqual(320);
  });
});

describe('docs/guides/scatter-gather.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('scatter-gather.md');
    const { code: exitCode, stdout, stderr } = await runFile('scatter.mjs', guide.code('scatter.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/discovery.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('discovery.md');
    const { code: exitCode, stdout, stderr } = await runFile('discovery.mjs', guide.code('discovery.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/dynamic-client.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('dynamic-client.md');
    const { code: exitCode, stdout, stderr } = await runFile('dynamic.mjs', guide.code('dynamic.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/sync.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('sync.md');
    const { code: exitCode, stdout, stderr } = await runFile('sync.mjs', guide.code('sync.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/transactions.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('transactions.md');
    const { code: exitCode, stdout, stderr } = await runFile('transactions.mjs', guide.code('transactions.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});
