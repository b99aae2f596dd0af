import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '@rondo/harness';

const VARIABLE = /\b(?:RONDO_[A-Z_]+[A-Z]|DATABASE_URL)\b/g;

/** The variables that a text names. */
const namesIn = (text: string) => new Set(text.match(VARIABLE));

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The sources that may read the environment: all without tests and the table of removed variables. */
function sources(): string[] {
  const listed = execFileSync('git', ['ls-files', 'packages', 'plugins', 'services', 'scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((file) => /\.(ts|mjs)$/.test(file) && !/(^|\/)(test|testing|fixtures|removed)[/.]|\.test\.ts$/.test(file))
    .filter((file) => existsSync(join(root, file)))
    .map(read);
}

it('docs/reference/configuration.md lists every variable that the code names, and no other', () => {
  const documented = [...namesIn(readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8'))].sort();
  const named = [...namesIn(sources().join('\n'))].sort();
  expect(documented).toEqual(named);
});

it('the public workflow runs each part of .ci/run', () => {
  const [, list = ''] = /^ {8}part:\n((?: {10}[-#] .*\n)+)/m.exec(read('.github/workflows/ci.yml')) ?? [];
  const words = [...list.matchAll(/- (.*)/g)].map(([, part = '']) => part);
  const script = read('.ci/run');
  const parts = new Set([...script.matchAll(/^.*\bpart ["']([^"'$]+)["'] /gm)].map(([, name = '']) => name));
  expect(parts.size).toBeGreaterThan(8);
  // A word of the workflow also runs the parts that its part needs, or that come with it.
  const along = ['grpcurl', 'go client', 'python client', 'container engine', 'build'];
  const missing = [...parts].filter((part) => !along.includes(part) && !words.some((word) => part.includes(word)));
  expect(missing).toEqual([]);
});

it("README's figures of outages are those of the guide", () => {
  const [, table = ''] = /^(\| fault, at 300 calls a second[\s\S]+?)^## /m.exec(read('README.md')) ?? [];
  const figures = table.match(/[\d,]+ of [\d,]+|[\d,]+ orders/g) ?? [];
  expect(figures.length).toBe(11);
  const guide = read('docs/guides/failures.md');
  expect(figures.filter((figure) => !guide.includes(figure))).toEqual([]);
});

it("the Chinese quickstart has README's commands and their output", () => {
  const blocksOf = (file: string) =>
    [...read(file).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.replace(/ +#.*$/gm, ''));
  const blocks = blocksOf('README.md');
  expect(blocks.length).toBeGreaterThan(5);
  expect(blocksOf('docs/zh/README.md')).toEqual(blocks);
});
