import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

/** A test for a shell that isn't installed is skipped, and its name says why. */
const withShell = (shell: string) =>
  spawnSync(shell, ['-c', 'exit 0']).status === 0
    ? { test: it, name: shell }
    : { test: it.skip, name: `${shell} (which isn't installed here)` };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo completion '));
  mkdirSync(join(folder, 'data here'));
  writeFileSync(join(folder, 'data.json'), '');
});

afterAll(() => rmSync(folder, { recursive: true }));

async function script(shell: string): Promise<string> {
  const file = join(folder, `rondo.${shell}`);
  const { code, stdout } = await runNode([join(root, 'scripts/rondo.mjs'), 'completion', shell]);
  expect(code).toBe(0);
  writeFileSync(file, stdout);
  return file;
}

/** Runs a script by a shell in the folder, without settings of the user. */
function run(shell: string, args: readonly string[]): string {
  // There is no registry, so only what the registry knows isn't completed.
  const env = { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb', RONDO_REGISTRY: '127.0.0.1:1' };
  const { stdout, stderr, status } = spawnSync(shell, args, { cwd: folder, env, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}

const lines: readonly (readonly [line: string, found: readonly string[]])[] = [
  ['rondo comp', ['completion']],
  ['rondo completion ', ['bash', 'zsh', 'fish']],
  ['rondo call --con', ['--concurrency']],
  ['rondo ps Calc', []],
  ['rondo nothing ', []],
];

describe('a shell completes', () => {
  const bash = withShell('bash');
  bash.test(`in ${bash.name}`, async () => {
    const file = await script('bash');
    const complete = (line: string) =>
      run('bash', [
        '--norc',
        '-c',
        `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2}; _rondo; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        file,
        line,
      ])
        .split('\n')
        .filter((word) => word !== '');
    for (const [line, found] of lines) expect([line, complete(line)]).toEqual([line, found]);
    // Outside of readline there is no compopt, so the script behaves as in bash 3.2.
    expect(complete('rondo logs --data da')).toEqual(['data', 'here']);
    expect(complete('rondo logs --data=da')).toEqual(['data', 'here']);
    expect(run('bash', ['--norc', '-c', 'source "$1"; rondo --version', 'bash', file])).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  const fish = withShell('fish');
  fish.test(`in ${fish.name}`, async () => {
    const file = await script('fish');
    const complete = (line: string) =>
      run('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line])
        .split('\n')
        .map((found) => found.replace(/\t.*/, ''))
        .filter((word) => word !== '');
    for (const [line, found] of lines) expect([line, complete(line)]).toEqual([line, [...found].sort()]);
    expect(complete('rondo logs --data da')).toEqual(['data here/']);
    expect(run('fish', ['--no-config', '-c', 'source $argv[1]; rondo --version', file])).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  const zsh = withShell('zsh');
  zsh.test(`in ${zsh.name}`, async () => {
    const file = await script('zsh');
    expect(run('zsh', ['-f', '-c', DRIVER, 'zsh', file, 'rondo comp'])).toContain('rondo completion');
  });
});

const DRIVER = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT='ready>'; source \${(qq)1}; print loa''ded"
zpty -r shell out '*loaded*'
zpty -n -w shell "$2"$'\\t'
zpty -r shell out '*rondo completion*'
print -r -- "$out"
zpty -d shell
`;
