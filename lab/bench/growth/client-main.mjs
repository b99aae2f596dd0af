// A worker that calls all methods of the contracts in turn, from one client or several.
import { answerParent } from '@rondo/harness';
import { Metadata } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createPace } from '../balancing/pacing.mjs';
import { quantiles } from '../report/figures.mjs';
import { contracts } from './contract.mjs';

/** How many calls are under way at a time, if nothing else is said. */
const LANES = 64;
/** An entry of metadata has at most so many characters. */
const ENTRY_BYTES = 512;

/** All that calls, in turn: each method of each service, from each client. */
let calls = [];
let options = {};

/** Connects so many clients, each with a channel of its own, to all addresses. */
function connect({ addresses, clients, metadataBytes, tunnel, ...size }) {
  const definitions = contracts(size);
  const channels = Array.from({ length: clients }, () =>
    createChannel({ resolver: staticResolver(addresses, { tunnel }) }),
  );
  calls = channels.flatMap((channel) =>
    definitions.flatMap((definition) => {
      const client = createClient(definition, { channel });
      return Object.keys(definition.methods).map((name) => client[name]);
    }),
  );
  options = metadataBytes === 0 ? {} : { metadata: metadataOf(metadataBytes) };
}

function metadataOf(bytes) {
  const metadata = new Metadata();
  for (let left = bytes; left > 0; left -= ENTRY_BYTES) {
    metadata.append(`growth-${left}`, 'm'.repeat(Math.min(left, ENTRY_BYTES)));
  }
  return metadata;
}

let turn = 0;
async function callNext() {
  turn = (turn + 1) % calls.length;
  const a = BigInt(turn);
  const { result } = await calls[turn]({ a, b: 1n }, options);
  if (result !== a + 1n) throw new Error(`${a} + 1 is not ${result}`);
}

/** Calls with a bounded number of calls under way. */
async function closed({ seconds, lanes = LANES }) {
  const times = [];
  const began = performance.now();
  const cpu = process.cpuUsage();
  const endsAt = began + seconds * 1000;
  const lane = async () => {
    do {
      const startedAt = performance.now();
      await callNext();
      times.push(performance.now() - startedAt);
    } while (performance.now() < endsAt);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return figuresOf(times, { began, cpu });
}

/** Calls at a rate, whether or not earlier calls were answered. A call's time counts from when it was due. */
async function open({ seconds, perSecond }) {
  const times = [];
  const under = new Set();
  let failed = 0;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const pace = createPace(perSecond, began);
  const call = async (dueAt) => {
    await callNext().catch(() => {
      failed += 1;
    });
    times.push(performance.now() - dueAt);
  };
  while (performance.now() < began + seconds * 1000) {
    for (const dueAt of pace.take(performance.now())) {
      const made = call(dueAt).finally(() => under.delete(made));
      under.add(made);
    }
    await new Promise(setImmediate);
  }
  const figures = figuresOf(times, { began, cpu });
  await Promise.all(under);
  return { ...figures, ...quantiles(times), failed, skipped: pace.skipped };
}

function figuresOf(times, { began, cpu }) {
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = (times.length / (performance.now() - began)) * 1000;
  return { calls: times.length, perSecond, cpuUs: user + system, ...quantiles(times) };
}

answerParent({ connect, closed, open });
