import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { defineCommand } from '../src/command.js';
import { completeLine } from '../src/commands/completion.js';
import { recordingContext } from './recording-context.js';

it('gives up a search that takes too long, and cancels it', async () => {
  const clock = new ManualClock();
  const { context } = recordingContext({ clock });
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
