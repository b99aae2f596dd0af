// A worker that serves the benchmark's contract: it answers after the time that its parent says, or with a failure.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '@rondo/harness';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { startService } from '@rondo/service';
import { CONTRACT } from './contract.mjs';

/** Replies take up to 30 % more or less than the parent says, so that calls don't synchronise. */
const JITTER = 0.3;

const behaviour = { delayMs: 1, slow: { add: 1, subtract: 1 }, failure: undefined };

async function reply(method, result) {
  const { delayMs, slow, failure } = behaviour;
  if (failure !== undefined) throw new RpcError(Status[failure], `asked to answer ${failure}`);
  await sleep(delayMs * slow[method] * (1 + JITTER * (2 * Math.random() - 1)));
  return { result };
}

const adder = implement(CONTRACT, {
  add: ({ a, b }) => reply('add', a + b),
  subtract: ({ a, b }) => reply('subtract', a - b),
});

const starting = startService({ name: 'replica', port: 0, createApp: () => ({ services: [adder] }) });

answerParent({
  address: async () => (await starting).address,
  /** Any of `delayMs`, `slow` (how many times slower, by method) and `failure` (a status, or null for none). */
  behave({ delayMs, slow, failure }) {
    if (delayMs !== undefined) behaviour.delayMs = delayMs;
    if (slow !== undefined) behaviour.slow = { add: 1, subtract: 1, ...slow };
    if (failure !== undefined) behaviour.failure = failure ?? undefined;
  },
});
