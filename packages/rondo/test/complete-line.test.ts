import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { type CommandContext, defineCommand } from '../src/command.js';
import { completeLine } from '../src/completion/complete-line.js';

const nowhere = { color: false, live: false, write: async () => {} };

it('gives up a search that takes too long, and cancels it', async () => {
  const clock = new ManualClock();
  const context: CommandContext = {
    stdin: { interactive: false, read: async function* () {} },
    stdout: nowhere,
    stderr: nowhere,
    environment: {},
    directory: '/',
    repository: '/nowhere',
    tool: '/nowhere',
    doctor: async () => undefined,
    program: '/nowhere/rondo.mjs',
    dataDirectory: '/nowhere',
    clock,
    wallClock: clock.wall,
    signal: new AbortController().signal,
  };
  let asked: AbortSignal | undefined;
  const slow = defineCommand({
    name: 'slow',
    summary: '',
    options: {},
    args: { name: '[name]' },
    examples: [],
    run: async () => 0,
    complete: (_written, { signal }) => {
      asked = signal;
      return new Promise(() => {});
    },
  });
  const found = completeLine(['slow', ''], [slow], context);
  await clock.advance(2_000);
  expect(await found).toEqual([]);
  expect(asked?.aborted).toBe(true);
  expect(clock.timers).toBe(0);
});
