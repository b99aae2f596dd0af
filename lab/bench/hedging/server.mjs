// A worker with three servers. Each takes 5 ms for a call, and stalls one in fifty for twenty times as long.
import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';

const USUAL_MS = 5;
const STALLED_MS = 20 * USUAL_MS;
const STALLED_SHARE = 0.02;

/** How many attempts came from each load. */
const attempts = {};
const unused = unimplemented('server.mjs');
const handlers = {
  async unary({ text }, { signal }) {
    attempts[text] = (attempts[text] ?? 0) + 1;
    await sleep(Math.random() < STALLED_SHARE ? STALLED_MS : USUAL_MS, undefined, { signal });
    return {};
  },
  unaryUnsafe: unused,
  clientStream: unused,
  serverStream: unused,
  bidiStream: unused,
  follow: unused,
  unimplemented: unused,
};

const services = [implement(conformance, handlers)];
const servers = await Promise.all([0, 1, 2].map(() => serve(createRouter({ services }), { listen: '127.0.0.1:0' })));
answerParent({ addresses: () => servers.map(({ address }) => address), attempts: () => attempts });
