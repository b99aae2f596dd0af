import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { type Clock, systemClock } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { createMemoryNetwork } from '../src/exports/testing.js';
import { describeConformance } from './conformance/suite.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { collect } from './support/stream.js';
import { deferred } from './support/wait.js';

/** The other transports: conformance.ci.test.ts. */
describeConformance('memory', async ({ router, clock }) => {
  const network = createMemoryNetwork();
  network.listen('memory', router);
  const resolver = staticResolver(['memory']);
  const channel = createChannel({ resolver, transport: network.transport, ...(clock && { clock }) });
  return { channel, close: async () => channel.close() };
});

it('requests that a caller broke off do not look complete, also to a server that was paused', async () => {
  const outcome = deferred<unknown>();
  const clientStream = async (requests: AsyncIterable<unknown>) => {
    await collect(requests).then(outcome.resolve, outcome.resolve);
    return {};
  };
  const router = createRouter({ services: [conformanceService({ clientStream })] });
  const server = await serve(router, { listen: '127.0.0.1:0', clock: standingStill });
  const channel = createChannel({ resolver: staticResolver([server.address]) });
  const client = createClient(ConformanceServiceDefinition, { channel });
  async function* requests() {
    yield { text: 'a' };
    throw new Error('the file ends here');
  }
  expect(await failure(client.clientStream(requests()))).toMatchObject({ code: Status.CANCELLED });
  expect(await outcome.promise).toBeInstanceOf(Error);
  channel.close();
  await server.drain(100);
});

/** The system clock of a process that gets no CPU time from when it sets a short timer until long after that is due. */
const standingStill: Clock = {
  now: () => systemClock.now(),
  setTimer(delayMs, callback, options) {
    const timer = systemClock.setTimer(delayMs, callback, options);
    const endsAt = systemClock.now() + delayMs + 10;
    while (delayMs < 10 && systemClock.now() < endsAt);
    return timer;
  },
};
