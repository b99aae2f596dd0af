// A worker of readers that do harm: they stall, read slowly, cancel, or list everything, each over a connection of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '@rondo/harness';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { salesOver } from './reads.mjs';

/** A stream that isn't read is left and opened again after this long. */
const STALL_MS = 2_000;
const SLOW_MS = 100;
const CANCEL_MS = 3;
const CANCEL_EVERY_MS = 50;
/** A call that is refused comes again after this long, as a retry would. */
const REFUSED_MS = 100;

const done = { stalled: 0, slow: 0, cancelled: 0, listed: 0, refused: 0 };

/** What one reader does again and again. */
const kinds = [
  async function stall({ orders }, signal) {
    await orders.watchOrders({}, { signal })[Symbol.asyncIterator]().next();
    await sleep(STALL_MS);
    done.stalled += 1;
  },
  async function readSlowly({ orders }, signal) {
    for await (const _ of orders.watchOrders({}, { signal })) {
      done.slow += 1;
      await sleep(SLOW_MS);
    }
  },
  async function cancel({ quotes }) {
    const pause = sleep(CANCEL_EVERY_MS);
    await quotes
      .listQuotes({ filter: 'state = ACCEPTING' }, { signal: AbortSignal.timeout(CANCEL_MS) })
      .catch(() => undefined);
    done.cancelled += 1;
    await pause;
  },
  async function listEverything({ orders, quotes }) {
    for (const list of [orders.listOrders, quotes.listQuotes]) {
      let pageToken = '';
      do {
        ({ nextPageToken: pageToken } = await list({ pageSize: 100, pageToken }));
        done.listed += 1;
      } while (pageToken !== '');
    }
  },
];

/** Does its kind of harm until this process ends. */
async function read(index, address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const own = salesOver(channel);
  for (;;) {
    const ending = new AbortController();
    try {
      await kinds[index % kinds.length](own, ending.signal);
    } catch {
      done.refused += 1;
      await sleep(REFUSED_MS);
    }
    ending.abort();
  }
}

answerParent({
  begin({ readers, address }) {
    for (let index = 0; index < readers; index += 1) void read(index, address);
  },
  done: () => done,
});
