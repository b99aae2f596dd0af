// A worker that serves the contracts with the whole default chain, at one address or several.
import { answerParent } from '@rondo/harness';
import { implement } from '@rondo/rpc/server';
import { startService } from '@rondo/service';
import pino from 'pino';
import { contracts } from './contract.mjs';

const handler = ({ a, b }) => ({ result: a + b });

function implemented(definition) {
  return implement(definition, Object.fromEntries(Object.keys(definition.methods).map((name) => [name, handler])));
}

async function serve(size) {
  const { address } = await startService({
    name: 'growth',
    register: false,
    environment: { RONDO_LISTEN: '127.0.0.1:0' },
    log: pino(pino.destination('/dev/null')),
    createApp: () => ({ services: contracts(size).map(implemented) }),
  });
  return address;
}

answerParent({
  /** Gives the addresses of so many replicas. */
  serve: ({ replicas, ...size }) => Promise.all(Array.from({ length: replicas }, () => serve(size))),
  /** Processor time in microseconds. */
  cpuUs,
});

function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
