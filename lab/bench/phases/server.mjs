// A worker with a server whose handlers sleep, answer at length, or keep the event loop busy.
import { setTimeout as sleep } from 'node:timers/promises';
import { AdderServiceDefinition as adder } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { answerParent } from '@rondo/harness';
import { createRouter, implement, serve, unimplemented } from '@rondo/rpc/server';

const unused = unimplemented('server.mjs');
const handlers = {
  /** Takes as many milliseconds as its text says, and returns its payload. */
  async unary({ text, payload }) {
    if (text !== '') await sleep(Number(text));
    return { payload };
  },
  unaryUnsafe: unused,
  clientStream: unused,
  serverStream: unused,
  bidiStream: unused,
  follow: unused,
  unimplemented: unused,
};

/** Keeps the event loop busy for `a` milliseconds. */
function add({ a }) {
  const until = performance.now() + Number(a);
  while (performance.now() < until);
  return { result: a };
}

const services = [implement(conformance, handlers), implement(adder, { add })];
const server = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
answerParent({ address: () => server.address });
