// A worker that calls as its parent says. Like any client, it is configured by its environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '@rondo/harness';
import { createRegistryChannel } from '@rondo/rpc/client';
import { defaultChannel } from '@rondo/rpc/internal';
import { createCaller, now } from './caller.mjs';
import { createNaiveClient } from './naive-client.mjs';
import { createPace } from './pacing.mjs';

const KNOW_MS = 20_000;
/** Longer than any call's deadline. */
const LAST_CALLS_MS = 5000;
let clients = [];

function openClient(own) {
  const channel = own ? createRegistryChannel({ registry: [process.env.RONDO_REGISTRY] }) : defaultChannel();
  const call = createCaller(channel);
  const usable = ({ held, state }) => state === 'ready' && held === undefined;
  const known = () => channel.inspect().flatMap(({ endpoints }) => endpoints.filter(usable)).length;
  return { call, known, close: () => channel.close() };
}

async function know(count) {
  const endsAt = now() + KNOW_MS;
  while (clients.some((client) => client.known() < count)) {
    if (now() > endsAt) {
      const known = clients.map((client) => client.known());
      throw new Error(`not within ${KNOW_MS} ms: ${count} instances; the clients know ${known}`);
    }
    await sleep(20);
  }
}

/** Calls at a rate, with all clients and methods in turn. `keys` is the number of different keys of the calls, if any. */
async function load({ perSecond, count, methods = ['add'], keys }) {
  const pace = createPace(perSecond, now());
  const calls = [];
  for (let made = 0; made < count; ) {
    for (const dueAt of pace.take(now(), count - made)) {
      const { call } = clients[made % clients.length];
      const key = keys && `key-${made % keys}`;
      calls.push(call({ method: methods[made % methods.length], key, dueAt }));
      made += 1;
    }
    await sleep(Math.max(0, pace.nextAt - now()));
  }
  const ended = await Promise.race([Promise.all(calls), sleep(LAST_CALLS_MS, undefined, { ref: false })]);
  if (ended === undefined) throw new Error(`calls are in flight ${LAST_CALLS_MS} ms after the last was made`);
  return { calls: ended, skipped: pace.skipped };
}

/** Calls one after the other, `count` by each client; with `keys`, one call for each of them. */
async function sequence({ count, keys }) {
  const all = await Promise.all(
    clients.map(async ({ call }) => {
      const calls = [];
      for (let index = 0; index < (keys?.length ?? count); index += 1) {
        calls.push(await call({ method: 'add', key: keys?.[index] }));
      }
      return calls;
    }),
  );
  return all.flat();
}

answerParent({
  open({ count = 1, naive = false }) {
    const { RONDO_REGISTRY } = process.env;
    const open = naive ? () => createNaiveClient(RONDO_REGISTRY) : () => openClient(count > 1);
    clients = Array.from({ length: count }, open);
  },
  know,
  load,
  sequence,
});
