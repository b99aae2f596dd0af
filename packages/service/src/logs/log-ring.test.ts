import { expect, it } from '@jest/globals';
import { ReadLogsRequest } from '@rondo/contracts/rondo/logs/v1/logs';
import { LogRing } from './log-ring.js';

const line = (level: string, msg: string) => `${JSON.stringify({ level, msg })}\n`;

async function messages(ring: LogRing, filter: Partial<ReadLogsRequest> = {}): Promise<readonly string[]> {
  const { value } = await ring.read(ReadLogsRequest.fromPartial(filter), new AbortController().signal).next();
  return (value?.items ?? []).map((text: string) => JSON.parse(text).msg);
}

it('keeps the last lines, in a bounded number of bytes', async () => {
  const ring = new LogRing(1_000);
  for (let at = 0; at < 100; at += 1) ring.add(line('info', `line ${at}`));
  const kept = await messages(ring);
  expect(kept.at(-1)).toBe('line 99');
  expect(kept).toHaveLength(10);
  ring.add(line('info', 'x'.repeat(20_000)));
  expect(await ring.read(ReadLogsRequest.fromPartial({}), new AbortController().signal).next()).toMatchObject({
    value: { items: [] },
  });
});

it('reads the lines of a trace, of a level and above, with a text, and no more than asked', async () => {
  const ring = new LogRing(10_000);
  for (const level of ['debug', 'info', 'warn', 'error']) ring.add(line(level, `${level} of aabb`));
  ring.add(line('error', 'another'));
  expect(await messages(ring, { traceId: 'aabb', level: 'warn' })).toEqual(['warn of aabb', 'error of aabb']);
  expect(await messages(ring, { text: 'info' })).toEqual(['info of aabb']);
  expect(await messages(ring, { last: 1 })).toEqual(['another']);
});

it('follows, tells a slow reader how many it has missed, and ends with its reader', async () => {
  const ring = new LogRing(100_000);
  const gone = new AbortController();
  const reading = ring.read(ReadLogsRequest.fromPartial({ follow: true, last: 5 }), gone.signal);
  await reading.next();
  const next = reading.next();
  ring.add(line('info', 'first'));
  expect(await next).toMatchObject({ value: { items: [line('info', 'first').trim()], leftOut: 0 } });
  for (let at = 0; at < 8; at += 1) ring.add(line('info', `line ${at}`));
  expect((await reading.next()).value).toMatchObject({ leftOut: 3 });
  const last = reading.next();
  gone.abort();
  expect((await last).done).toBe(true);
});
