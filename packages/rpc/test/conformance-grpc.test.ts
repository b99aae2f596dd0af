import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient } from '../src/client/index.js';
import { createRouter, serve } from '../src/server/index.js';
import { Status } from '../src/status/index.js';
import { staticResolver } from '../src/testing/index.js';
import { describeConformance } from './conformance/suite.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';

describeConformance('grpc', async ({ router, clock }) => {
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([server.address]), ...(clock && { clock }) });
  return {
    channel,
    async close() {
      channel.close();
      await server.drain(0);
    },
  };
});

it('a call whose caller leaves before the connection stands reaches no handler', async () => {
  let runs = 0;
  const unary = () => {
    runs += 1;
    return {};
  };
  const server = await serve(createRouter({ services: [conformanceService({ unary })] }), { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([server.address]) });
  const client = createClient(ConformanceServiceDefinition, { channel });
  const caller = new AbortController();
  const call = failure(client.unary({}, { signal: caller.signal }));
  caller.abort();
  expect(await call).toMatchObject({ code: Status.CANCELLED });
  await client.unaryUnsafe({});
  expect(runs).toBe(0);
  channel.close();
  await server.drain(100);
});
