import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';

/** A row takes 20 s, and is run up to three times on a machine that is too busy for it. A bound on what hangs. */
const TIMEOUT_MS = 600_000;

/** Runs one row of the short form; one that came out wrong shows what it printed. */
async function row(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runNode([join(root, 'chaos/dist/main.js'), '--short', '--only', ...args]);
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

describe('the short form of the outage table', () => {
  it(
    'holds its bounds where a replica is killed, and shows failures where the guard is off',
    async () => {
      expect(await row('kill', '--controls')).toMatch(
        /^ok {7}kill: .*measured {2}0 of .* control: .*without {3}[1-9]\d* of /s,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'holds its bounds where an acceptance dies in the middle (journey 4): after the restart both sides agree',
    async () => {
      expect(await row('two-phase-commit')).toMatch(/^ok {7}two-phase-commit: (.*\n\s+measured .*agreed after){6}/s);
    },
    TIMEOUT_MS,
  );

  it.each(['registry-away', 'rolling-restart'])(
    'holds its bounds, %s',
    async (name) => {
      expect(await row(name)).toMatch(new RegExp(`^ok {7}${name}: .*measured  0 of `, 's'));
    },
    TIMEOUT_MS,
  );
});
