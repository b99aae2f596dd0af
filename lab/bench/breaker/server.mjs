// A worker with one server, at the port that it is told.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

const services = [standIn(conformance, { unary: async () => ({}) })];
answerParent({
  async listen(port) {
    const { address } = await serve(createRouter({ services }), { listen: `127.0.0.1:${port}` });
    return { port: Number(address.split(':').at(-1)) };
  },
});
