import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { root, start } from '@rondo/harness';
import { allowed, refused } from './src/lint-cases.mjs';

/** By file: the rules that refuse it, by name, and of a plugin by its message. */
let said: Map<string, readonly string[]>;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-lint-'));
  try {
    writeTree(folder);
    said = await lint(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function writeTree(folder: string): void {
  cpSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  for (const rules of ['lint', 'packages/rondo/lint'])
    cpSync(join(root, rules), join(folder, rules), { recursive: true });
  const files = [...refused.map(([file, , code]) => [file, code] as const), ...allowed];
  for (const [file, code] of [['packages/rondo/package.json', '{ "name": "@rondo/tool" }'] as const, ...files]) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), `${code}\n`);
  }
}

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly location: { readonly path: string };
}

async function lint(folder: string): Promise<Map<string, readonly string[]>> {
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
  const { stdout } = await start(join(root, 'node_modules/.bin/biome'), args, { cwd: folder }).ended;
  const { diagnostics }: { diagnostics: readonly Diagnostic[] } = JSON.parse(stdout);
  const found = new Map<string, readonly string[]>();
  for (const { category, message, location } of diagnostics) {
    found.set(location.path, [...(found.get(location.path) ?? []), category === 'plugin' ? message : category]);
  }
  return found;
}

it('the linter refuses each file that breaks a rule, for that reason', () => {
  const missed = refused.filter(([file, reason]) => !said.get(file)?.some((text) => text.startsWith(reason)));
  expect(missed.map(([file, reason]) => `${file}: ${reason}`)).toEqual([]);
});

/** In a tree without packages no import is resolved or declared. */
const OF_THE_TREE = ['lint/correctness/noUnresolvedImports', 'lint/correctness/noUndeclaredDependencies'];

it('the linter refuses none of the similar files that break no rule', () => {
  const reasons = new Set(refused.map(([, reason]) => reason));
  const excessive = allowed.flatMap(([file]) =>
    (said.get(file) ?? [])
      .filter((text) => !OF_THE_TREE.includes(text) && [...reasons].some((reason) => text.startsWith(reason)))
      .map((text) => `${file}: ${text}`),
  );
  expect(excessive).toEqual([]);
});
