// A worker that calls as its parent says. Like any client, it is configured by its environment.
import { balancing } from '@rondo/balancing';
import { PinnedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/pinned';
import { answerParent, until } from '@rondo/harness';
import { createClient } from '@rondo/rpc/client';
import { defaultChannel } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { atRate } from '../report/at-rate.mjs';

const KNOW_MS = 20_000;
const CALL_MS = 5_000;
/** Calls that are later than this are left out: to make up for them would be a storm of the load's own making. */
const MAX_BEHIND_MS = 50;

const channel = defaultChannel({ policies: balancing });
const client = createClient(PinnedServiceDefinition, { channel });
const isUsable = ({ held, state }) => state === 'ready' && held === undefined;
const known = () => channel.inspect().flatMap(({ endpoints }) => endpoints.filter(isUsable)).length;

const know = async (count) => {
  await until(() => known() >= count || undefined, { what: `the client knows ${count} instances`, timeoutMs: KNOW_MS });
};

/** Gives the instance that answered, or failed. */
const call = async (key) => {
  try {
    return (await client.touch({ key }, { timeoutMs: CALL_MS })).instance;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return error.report?.attempts.at(-1)?.instance ?? '';
  }
};

/**
 * Calls at a rate, whether or not earlier calls were answered. A call's time counts from when it was due, so that it includes how
 * late a busy process made it. `keys` is the number of different keys of the calls, if any.
 */
async function load({ perSecond, count, keys = 1 }) {
  const calls = [];
  await atRate(perSecond, count, (index, dueAt, lateMs) => {
    if (lateMs > MAX_BEHIND_MS) return;
    const at = performance.timeOrigin + dueAt;
    const ended = (instance) => ({ at, tookMs: performance.now() - dueAt, instance });
    calls.push(call(`key-${index % keys}`).then(ended));
  });
  return await Promise.all(calls);
}

answerParent({ know, load });
