// A worker with a server whose handlers share 20 permits and hold each for 20 ms: it can answer 1,000 calls a second.
import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { HealthCheckResponse_ServingStatus, HealthDefinition } from '@rondo/contracts/health/v1/health';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { answerParent } from '@rondo/harness';
import { createSemaphore } from '@rondo/rpc/clock';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { quantiles } from '../report/figures.mjs';
import { contract } from './contract.mjs';

const PERMITS = 20;
const WORK_MS = 20;
const RESOURCE_EXHAUSTED = 8;

/** How long refused calls took here: on HTTP/2 from their headers to their trailers, by frames in the router. */
const refusals = [];
watchStreams();

const permits = createSemaphore(PERMITS);
/** How many calls reached their handler. */
let handled = 0;
const work = async (_request, { signal }) => {
  handled += 1;
  await permits.run(() => sleep(WORK_MS), signal);
  return {};
};
const services = [
  implement(contract, { unary: work, unaryUnsafe: work }),
  standIn(HealthDefinition, { check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }) }),
  standIn(RegistryServiceDefinition, { renew: () => ({}), setOperatorState: () => ({}) }),
];
let router;

answerParent({
  async serve(adaptive) {
    router = createRouter({ services, admission: { adaptive } });
    const { address } = await serve({ ...router, handle: timed }, { listen: '127.0.0.1:0' });
    return address;
  },
  /** What was refused and handled since the last question. */
  figures() {
    const found = { refused: refusals.length, ...quantiles(refusals), handled };
    refusals.length = 0;
    handled = 0;
    return found;
  },
});

async function timed(call) {
  const startedAt = performance.now();
  try {
    return await router.handle(call);
  } catch (error) {
    if (error.code === RESOURCE_EXHAUSTED && isFramed(call)) refusals.push(performance.now() - startedAt);
    throw error;
  }
}

/** Calls in frames have no stream of HTTP/2. */
function isFramed(call) {
  return 'id' in call;
}

/** Measures the streams of plain calls. */
function watchStreams() {
  const { createServer } = http2;
  http2.createServer = (...options) => {
    const server = createServer(...options);
    server.on('stream', (stream) => {
      const startedAt = performance.now();
      const { respond } = stream;
      stream.respond = (headers, ...rest) => {
        respond.call(stream, headers, ...rest);
        if (Number(headers['grpc-status']) === RESOURCE_EXHAUSTED) refusals.push(performance.now() - startedAt);
      };
    });
    return server;
  };
}
