import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { readManifest } from './manifests.js';

const workspace = mkdtempSync(path.join(tmpdir(), 'rondo-manifest-'));
afterAll(() => rmSync(workspace, { recursive: true }));

/** A service whose page has this path. */
function pageOf(page: string): string | undefined {
  mkdirSync(path.join(workspace, 'services/a'), { recursive: true });
  const manifest = { rondo: { port: 50_060, contracts: ['a/v1/a.proto'], page } };
  writeFileSync(path.join(workspace, 'services/a/package.json'), JSON.stringify(manifest));
  return readManifest('a', workspace).page;
}

it('takes the path of a page, unless the gateway needs it', () => {
  expect(pageOf('book-shelf')).toBe('book-shelf');
  for (const page of ['console', 'v1', 'healthz', 'readyz', 'a/b', '..', 'Board', '']) {
    expect(() => pageOf(page)).toThrow('services/a/package.json: rondo.page must be the path of its page');
  }
});
