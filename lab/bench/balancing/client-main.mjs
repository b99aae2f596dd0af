// A worker that calls as its parent says. Like any client, it is configured by its environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { balancing } from '@rondo/balancing';
import { answerParent } from '@rondo/harness';
import { defaultChannel } from '@rondo/rpc/internal';
import { createCaller, now } from './caller.mjs';
import { createPace } from './pacing.mjs';

const KNOW_MS = 20_000;
/** Longer than any call's deadline. */
const LAST_CALLS_MS = 5000;

const channel = defaultChannel({ policies: balancing });
const call = createCaller(channel);
const isUsable = ({ held, state }) => state === 'ready' && held === undefined;
const known = () => channel.inspect().flatMap(({ endpoints }) => endpoints.filter(isUsable)).length;

async function know(count) {
  const endsAt = now() + KNOW_MS;
  while (known() < count) {
    if (now() > endsAt) throw new Error(`not within ${KNOW_MS} ms: ${count} instances; the client knows ${known()}`);
    await sleep(20);
  }
}

/** Calls at a rate. `keys` is the number of different keys of the calls, if any. */
async function load({ perSecond, count, keys }) {
  const pace = createPace(perSecond, now());
  const calls = [];
  for (let made = 0; made < count; ) {
    for (const dueAt of pace.take(now(), count - made)) {
      const key = keys && `key-${made % keys}`;
      calls.push(call({ key, dueAt }));
      made += 1;
    }
    await sleep(Math.max(0, pace.nextAt - now()));
  }
  const ended = await Promise.race([Promise.all(calls), sleep(LAST_CALLS_MS, undefined, { ref: false })]);
  if (ended === undefined) throw new Error(`calls are in flight ${LAST_CALLS_MS} ms after the last was made`);
  return ended;
}

answerParent({ know, load });
