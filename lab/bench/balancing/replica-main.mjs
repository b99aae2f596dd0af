// A worker that serves an adder: it answers after the time that its parent says, or with a failure.
import { setTimeout as sleep } from 'node:timers/promises';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { answerParent } from '@rondo/harness';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { startService } from '@rondo/service';

/** Replies take up to 30 % more or less than the parent says, so that calls don't synchronise. */
const JITTER = 0.3;

const behaviour = { delayMs: 1, slow: 1, failure: undefined };

async function add({ a, b }) {
  const { delayMs, slow, failure } = behaviour;
  if (failure !== undefined) throw new RpcError(Status[failure], `asked to answer ${failure}`);
  await sleep(delayMs * slow * (1 + JITTER * (2 * Math.random() - 1)));
  return { result: a + b };
}

const adder = implement(AdderServiceDefinition, { add });
const starting = startService({ name: 'replica', port: 0, createApp: () => ({ services: [adder] }) });

answerParent({
  address: async () => (await starting).address,
  /** Any of `delayMs`, `slow` (how many times slower) and `failure` (a status, or null for none). */
  behave({ delayMs, slow, failure }) {
    if (delayMs !== undefined) behaviour.delayMs = delayMs;
    if (slow !== undefined) behaviour.slow = slow;
    if (failure !== undefined) behaviour.failure = failure ?? undefined;
  },
});
