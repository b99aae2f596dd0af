// A worker that serves: it answers after the time that its parent says, or with a failure.
import { setTimeout as sleep } from 'node:timers/promises';
import { PinnedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/pinned';
import { answerParent } from '@rondo/harness';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';

/** Replies take up to 30 % more or less than the parent says, so that calls don't synchronise. */
const JITTER = 0.3;

const behaviour = { delayMs: 1, slow: 1, failure: undefined };

async function touch() {
  const { delayMs, slow, failure } = behaviour;
  if (failure !== undefined) throw new RpcError(Status[failure], `asked to answer ${failure}`);
  await sleep(delayMs * slow * (1 + JITTER * (2 * Math.random() - 1)));
  return { instance: process.env.RONDO_INSTANCE_ID };
}

const service = standIn(PinnedServiceDefinition, { touch });
const starting = startService({ name: 'replica', port: 0, createApp: () => ({ services: [service] }) });

answerParent({
  address: async () => (await starting).address,
  /** Any of `delayMs`, `slow` (how many times slower) and `failure` (a status, or null for none). */
  behave({ delayMs, slow, failure }) {
    if (delayMs !== undefined) behaviour.delayMs = delayMs;
    if (slow !== undefined) behaviour.slow = slow;
    if (failure !== undefined) behaviour.failure = failure ?? undefined;
  },
});
