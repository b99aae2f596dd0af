import { describe, expect, it } from '@jest/globals';
import { runNode } from '@rondo/harness';

/** A scenario takes 20 s, and runs up to three times on a machine that is too busy for it. This bounds what hangs. */
const TIMEOUT_MS = 600_000;

/** Runs one scenario of the short form; fails with what it printed if a bound is missed. */
async function scenario(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runNode(['scripts/rondo.mjs', 'lab', 'chaos', '--short', '--only', ...args]);
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

describe('the short form of the outage table', () => {
  it(
    'holds its bounds when a replica is killed, and shows failures with the guard off',
    async () => {
      expect(await scenario('kill', '--controls')).toMatch(
        /^ok {7}kill: .*measured {2}0 of .* control: .*without {3}[1-9]\d* of /ms,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'holds its bounds when a process dies during an acceptance (journey 4): after the restart both sides agree',
    async () => {
      expect(await scenario('two-phase-commit')).toMatch(
        /^ok {7}two-phase-commit: (.*\n\s+measured .*agreed after){6}/ms,
      );
    },
    TIMEOUT_MS,
  );

  it.each(['kill', 'rolling-restart'])(
    'holds its bounds with mutual TLS between all processes, %s',
    async (name) => {
      expect(await scenario(name, '--tls')).toMatch(/^ok .*measured {2}0 of .*with mutual TLS/ms);
    },
    TIMEOUT_MS,
  );

  it.each(['registry-away', 'rolling-restart'])(
    'holds its bounds, %s',
    async (name) => {
      expect(await scenario(name)).toMatch(new RegExp(`^ok {7}${name}: .*measured  0 of `, 'ms'));
    },
    TIMEOUT_MS,
  );

  it(
    'holds its bounds, agent-orders: 1,000 orders of agents are 1,000 orders',
    async () => {
      expect(await scenario('agent-orders')).toMatch(
        /^ok {7}agent-orders: .*measured {2}1000 orders in the database/ms,
      );
    },
    TIMEOUT_MS,
  );
});
