// A server, as a worker, whose calls of the health of "slow" end only when their callers give them up.
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { answerParent } from '@rondo/harness';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

const peers = new Set();
const check = async ({ service }, { context, peer }) => {
  peers.add(peer);
  return service === 'slow' ? context.race(new Promise(() => undefined)) : {};
};
const router = createRouter({ services: [standIn(HealthDefinition, { check })] });
const { port } = await serve(router, { listen: '127.0.0.1:0' });
answerParent({
  port: () => port,
  /** How many connections there were, and the processor time. */
  report: () => ({ connections: peers.size, cpu: process.cpuUsage() }),
});
