/** A process that starts in the place of another one: it has everything but the ports, and gets those as soon as they are free. */

import { afterEach, expect, it } from '@jest/globals';
import type { Part } from '@rondo/rpc/server';
import { deferred } from '../../rpc/test/support/wait.js';
import type { RunningService } from '../src/lifecycle/start.js';
import { listenerAt, portOf } from './app-listener.js';
import { closeAll, starting } from './started.js';

afterEach(closeAll);

interface Starting {
  readonly environment?: Record<string, string>;
  readonly parts?: readonly Part[];
  readonly publicPort?: number;
  readonly handoverMs?: number;
}

/** A process with a gRPC port, a public one and one for its metrics. */
function begin({ environment = {}, parts = [], publicPort = 0, handoverMs = 0 }: Starting = {}) {
  const prepared = deferred();
  const { started, lines } = starting({
    environment: { RONDO_METRICS: '127.0.0.1:0', ...environment },
    handoverMs,
    onPrepared: async () => prepared.resolve(),
    app: { parts: [{ name: 'the port', listeners: [listenerAt(publicPort)] }, ...parts] },
  });
  return { started, prepared: prepared.promise, lines };
}

/** The start of another process at the ports of a running one. */
function inPlaceOf(
  service: RunningService,
  { parts = [], handoverMs = 60_000 }: Pick<Starting, 'parts' | 'handoverMs'>,
) {
  const environment = {
    RONDO_LISTEN: service.address,
    RONDO_METRICS: service.metricsAddress ?? '',
  };
  return begin({ environment, parts, handoverMs, publicPort: portOf(service.listenerAddresses[0]) });
}

it('listens as soon as the other process has closed its ports, the one for metrics last', async () => {
  const before = await begin().started;
  const after = inPlaceOf(before, {});
  await after.prepared;
  await before.drain();
  const service = await after.started;
  expect([service.address, service.listenerAddresses]).toEqual([before.address, before.listenerAddresses]);
  await expect(fetchUntil(`http://${before.metricsAddress}/metrics`)).resolves.toContain('process_start_time_seconds');
  expect(after.lines).not.toContain('warn: the metrics are not served');
});

async function fetchUntil(url: string): Promise<string> {
  for (;;) {
    const text = await fetch(url).then(
      (response) => response.text(),
      () => undefined,
    );
    if (text !== undefined) return text;
  }
}

it('is prepared when its parts answer', async () => {
  const before = await begin().started;
  const answers = deferred();
  const order: string[] = [];
  const after = inPlaceOf(before, { parts: [{ name: 'the database', check: () => answers.promise }] });
  const prepared = after.prepared.then(() => order.push('prepared'));
  await new Promise(setImmediate);
  order.push('the database answers');
  answers.resolve();
  await prepared;
  expect(order).toEqual(['the database answers', 'prepared']);
  await before.drain();
  await after.started;
});

it('says which part does not answer, and leaves the ports', async () => {
  const before = await begin().started;
  const parts = [{ name: 'the database', check: () => Promise.reject(new Error('gone')) }];
  const { started } = inPlaceOf(before, { parts, handoverMs: 50 });
  await expect(started).rejects.toThrow('no answer from the database within 50 ms; the log has the reason');
});

it('fails if a port stays in use, and at once if it starts in no place', async () => {
  const before = await begin().started;
  for (const handoverMs of [50, 0]) {
    await expect(inPlaceOf(before, { handoverMs }).started).rejects.toThrow('the port is in use');
  }
});
