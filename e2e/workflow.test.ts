import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '@rondo/harness';

const read = (file: string) => readFileSync(join(root, file), 'utf8');

it('the public workflow runs each part of .ci/run', () => {
  const [, list = ''] = /^ {8}part:\n((?: {10}- .*\n)+)/m.exec(read('.github/workflows/ci.yml')) ?? [];
  const words = [...list.matchAll(/- (.*)/g)].map(([, part = '']) => part);
  const script = read('.ci/run');
  const parts = new Set([...script.matchAll(/^.*\bpart ["']([^"'$]+)["'] /gm)].map(([, name = '']) => name));
  expect(parts.size).toBeGreaterThan(8);
  // These words select the parts that the named one stands on, or that come with it.
  const along = ['grpcurl', 'go client', 'python client', 'container engine', 'etcd store', 'build'];
  const missing = [...parts].filter((part) => !along.includes(part) && !words.some((word) => part.includes(word)));
  expect(missing).toEqual([]);
});
