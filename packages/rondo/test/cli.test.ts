import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { commands } from '../src/commands/index.js';
import { rondo } from './recording-context.js';

describe('rondo', () => {
  it('says its version, which is that of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect((await rondo(['--version'])).stdout).toBe(`${version}\n`);
  });

  it.each([[[]], [['help']], [['--help']]])('%j lists the commands', async (args) => {
    const { exitCode, stdout } = await rondo(args);
    expect(exitCode).toBe(0);
    for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`  ${name} +${summary}`));
    expect(stdout).toContain('Exit codes: 0 done; 1 failed; 2 the command line is wrong');
    expect(stdout).not.toContain('  complete ');
  });

  it.each(commands.map(({ name }) => name))('explains %s, with examples', async (name) => {
    const asked = await rondo([name, '--help']);
    expect(asked).toEqual(await rondo(['help', name]));
    expect(asked.exitCode).toBe(0);
    expect(asked.stdout).toMatch(new RegExp(`Examples:\n  rondo ${name}`));
    expect(asked.stdout).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}130 .*\n$/);
    // Lines fit a terminal.
    expect(asked.stdout.split('\n').filter((text) => text.length > 125)).toEqual([]);
  });

  it.each([
    ['jobs', /^rondo jobs ls \[service\]\nrondo jobs retry <id> \[service\]\n/],
    ['call', /^rondo call <service>\/<method> \[json \| -\] … \[options\]\n/],
    ['audit', /--limit N +The most events, up to 10000; 50 by default\.\n/],
  ])('derives the help of %s from its arguments, actions and options', async (name, help) => {
    expect((await rondo(['help', name])).stdout).toMatch(help);
  });

  it.each([
    [['dcotor'], 'there is no command "dcotor". Did you mean "doctor"?'],
    [
      ['frob'],
      'There are: start, dev, console, ps, logs, describe, call, trace, new, test, check, doctor, top, pick, audit, auth, bench, mcp, xds, join, drain, cordon, uncordon, restart, scale, rollout, config, tx, jobs, runs, events, backup, restore, db, build, generate, breaking, bundle, install, kubernetes, add, remove, upgrade, certs, token, keys, completion, help',
    ],
    [['help', 'frob'], 'there is no command "frob"'],
    [['--registry', 'x', 'ps'], 'options come after the command'],
    [['--verison'], 'Did you mean "--version"?'],
    [['ps', '--jsn'], 'there is no option --jsn. Did you mean "--json"?'],
    [['ps', 'a', 'b'], '"b" is not expected'],
    [['call', 'a/b', '--count', '-1'], '--count needs a value; one that begins with - is written --count=-…'],
    [['call', 'a/b', '-H', '-x=1'], '-H needs a value; one that begins with - is written -H-…'],
    [['logs', '--data'], "Option '--data <value>' argument missing"],
    [
      ['jobs', 'frob'],
      'there is no rondo jobs frob; say what to do: rondo jobs ls [service], or retry <id> [service], or',
    ],
    [['jobs', 'retry'], '<id> is missing: rondo jobs retry <id> [service]'],
    [['tx', 'ls', 'x'], '"x" is not expected: rondo tx ls'],
    [['audit', '--limit', '10001'], '--limit 10001: must be a whole number from 1 to 10000'],
  ])('%j is one line that says what is wrong', async (args, message) => {
    const { exitCode, stdout, stderr } = await rondo(args);
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(2);
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  it('prints errors as JSON with --json', async () => {
    const { stderr } = await rondo(['ps', 'a', 'b', '--json']);
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'USAGE', message: expect.stringContaining('"b"') } });
  });
});

it.each(['start', 'dev', 'test'])(
  'rondo %s says that it needs a workspace if there is none, as in an image',
  async (task) => {
    expect(await rondo([task])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `rondo: rondo ${task} needs a workspace that is built (npm run build): run ./rondo ${task} there\n`,
    });
  },
);
