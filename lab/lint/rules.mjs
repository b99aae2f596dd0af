/** Tests the linter's rules: each breaking file must be refused for its reason, and each allowed file must not. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowed, refused } from './cases.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const reasonsTried = new Set(refused.map(([, reason]) => reason));

function writeTree(folder) {
  cpSync(path.join(root, 'biome.json'), path.join(folder, 'biome.json'));
  cpSync(path.join(root, 'scripts/lint'), path.join(folder, 'scripts/lint'), { recursive: true });
  const files = [...refused.map(([file, , code]) => [file, code]), ...allowed];
  for (const [file, code] of [['packages/cli/package.json', '{ "name": "@rondo/cli" }'], ...files]) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), `${code}\n`);
  }
}

/** The diagnostics by file: the rule's name, or the plugin's message. */
function lint(folder) {
  const biome = path.join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
  const { stdout, stderr } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' });
  if (!stdout) throw new Error(`biome reported nothing: ${stderr}`);
  const said = new Map();
  for (const { category, message, location } of JSON.parse(stdout).diagnostics) {
    said.set(location.path, [...(said.get(location.path) ?? []), category === 'plugin' ? message : category]);
  }
  return said;
}

function faults(said) {
  const missed = refused
    .filter(([file, reason]) => !said.get(file)?.some((text) => text.startsWith(reason)))
    .map(([file, reason]) => `${file} is not refused by: ${reason}`);
  const excessive = allowed.flatMap(([file]) =>
    (said.get(file) ?? [])
      .filter((text) => [...reasonsTried].some((reason) => text.startsWith(reason)))
      .filter(
        (text) =>
          text !== 'lint/correctness/noUnresolvedImports' && text !== 'lint/correctness/noUndeclaredDependencies',
      )
      .map((text) => `${file} is refused by: ${text}`),
  );
  return [...missed, ...excessive];
}

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-lint-'));
try {
  writeTree(folder);
  const found = faults(lint(folder));
  for (const fault of found) console.error(fault);
  if (found.length > 0) process.exitCode = 1;
  else console.log(`${refused.length} breaking files refused, ${allowed.length} similar files allowed`);
} finally {
  rmSync(folder, { recursive: true });
}
