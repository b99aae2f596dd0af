// A server whose calls of the health of "slow" end by their callers alone; it tells its port to its parent, and with each
// message from it how many connections it has had.
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

const peers = new Set();
const check = async ({ service }, { limit, peer }) => {
  peers.add(peer);
  return service === 'slow' ? limit.race(new Promise(() => undefined)) : {};
};
const router = createRouter({ services: [standIn(HealthDefinition, { check })] });
const { port } = await serve(router, { listen: '127.0.0.1:0' });
process.on('message', () => process.send({ connections: peers.size, cpu: process.cpuUsage() }));
process.send(port);
