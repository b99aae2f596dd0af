/** A process that starts in the place of another one: it has everything but the ports, and gets those as soon as they are free. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { implement } from '@rondo/rpc/server';
import {
  type AppListener,
  cannotBind,
  type Dependency,
  type RunningService,
  startService,
} from '../src/exports/index.js';
import { recordingLogger } from './recording-logger.js';

const running: RunningService[] = [];
afterEach(() => Promise.all(running.splice(0).map((service) => service.drain())));

interface Starting {
  readonly environment?: Record<string, string>;
  readonly dependencies?: readonly Dependency[];
  readonly publicPort?: number;
}

/** A process with a gRPC port, a public one and one for its metrics. */
function start({ environment = {}, dependencies = [], publicPort = 0 }: Starting = {}) {
  const { log, lines } = recordingLogger();
  let prepared: () => void = () => undefined;
  const isPrepared = new Promise<void>((resolve) => {
    prepared = resolve;
  });
  const started = startService({
    name: 'front',
    port: 0,
    environment: {
      RONDO_METRICS: '127.0.0.1:0',
      RONDO_REGISTRY: '127.0.0.1:1',
      RONDO_DRAIN_WAIT_MS: '0',
      ...environment,
    },
    log,
    onPrepared: async () => prepared(),
    createApp: () => ({
      services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })],
      listeners: [listenerAt(publicPort)],
      dependencies,
    }),
  });
  const noted = started.then((service) => running.push(service));
  return { started, prepared: isPrepared, lines, noted };
}

function listenerAt(port: number): AppListener {
  const server = createServer();
  return {
    async listen() {
      try {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      } catch (cause) {
        throw cannotBind({ what: 'listen on', at: { host: '127.0.0.1', port }, variable: 'PUBLIC_LISTEN', cause });
      }
      const bound = server.address();
      return { address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}` };
    },
    drain: async () => void server.close(),
  };
}

const portOf = (address: string | undefined) => Number(address?.split(':').at(-1));

interface InPlace extends Pick<Starting, 'dependencies'> {
  readonly handoverMs?: string;
}

/** The start of another process at the ports of a running one. */
function inPlaceOf(service: RunningService, { dependencies = [], handoverMs = '60000' }: InPlace) {
  const environment = {
    RONDO_LISTEN: service.address,
    RONDO_METRICS: service.metricsAddress ?? '',
    RONDO_HANDOVER_MS: handoverMs,
  };
  return start({ environment, dependencies, publicPort: portOf(service.listenerAddresses[0]) });
}

it('listens as soon as the other process has closed its ports, the one for metrics last', async () => {
  const before = await start().started;
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

it('is prepared when its dependencies answer', async () => {
  const before = await start().started;
  let answer: () => void = () => undefined;
  const answers = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const order: string[] = [];
  const after = inPlaceOf(before, { dependencies: [{ name: 'the database', check: () => answers }] });
  const prepared = after.prepared.then(() => order.push('prepared'));
  await new Promise(setImmediate);
  order.push('the database answers');
  answer();
  await prepared;
  expect(order).toEqual(['the database answers', 'prepared']);
  await before.drain();
  await after.started;
});

it('says which dependency does not answer, and leaves the ports', async () => {
  const before = await start().started;
  const dependencies = [{ name: 'the database', check: () => Promise.reject(new Error('gone')) }];
  const after = inPlaceOf(before, { dependencies, handoverMs: '50' });
  await expect(after.started).rejects.toThrow('no answer from the database within 50 ms; the log has the reason');
  await after.noted.catch(() => undefined);
});

it('fails if a port stays in use, and at once if it starts in no place', async () => {
  const before = await start().started;
  for (const handoverMs of ['50', '0']) {
    const { started, noted } = inPlaceOf(before, { handoverMs });
    await expect(started).rejects.toThrow('the port is in use');
    await noted.catch(() => undefined);
  }
});
