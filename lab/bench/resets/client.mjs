// A Rondo client that cancels many calls and lets many deadlines pass over one connection, with innocent calls among them: of
// the health service that answers "" at once and "slow" never.
//
//   node client.mjs ADDRESS SECONDS RATE
//
// It gives up RATE calls a second in each of the two ways, and prints what became of all calls as JSON. With
// RONDO_TRANSPORT=grpc each call is a stream of its own, otherwise all are in a tunnel.
import { setTimeout as sleep } from 'node:timers/promises';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';

const GIVEN_UP_AFTER_MS = 20;
const INNOCENT_EVERY_MS = 20;
const INNOCENTS = 10;
const PATIENCE_MS = 10_000;
const TICK_MS = 5;
const EXPECTED = [Status.DEADLINE_EXCEEDED, Status.CANCELLED];

const [address, seconds, rate] = process.argv.slice(2);
const tunnel = process.env.RONDO_TRANSPORT !== 'grpc';
const channel = createChannel({ resolver: staticResolver([address], { tunnel }) });
const { check } = createClient(HealthDefinition, { channel });
const slow = { service: 'slow' };
const expired = {};
const cancelled = {};
const innocent = {};

async function add(counts, call) {
  const name = await call.then(
    () => 'OK',
    ({ code, codeName, message }) => (EXPECTED.includes(code) ? codeName : `${codeName}: ${message}`),
  );
  counts[name] = (counts[name] ?? 0) + 1;
}

function abandon() {
  const caller = new AbortController();
  setTimeout(() => caller.abort(), GIVEN_UP_AFTER_MS);
  return add(cancelled, check(slow, { signal: caller.signal, timeoutMs: PATIENCE_MS }));
}

async function innocentCalls(endsAt) {
  while (performance.now() < endsAt) {
    await add(innocent, check({}, { timeoutMs: PATIENCE_MS }));
    await sleep(INNOCENT_EVERY_MS);
  }
}

// The first call opens the tunnel.
await check({});
await sleep(INNOCENT_EVERY_MS);
const began = performance.now();
const endsAt = began + Number(seconds) * 1000;
const pending = Array.from({ length: INNOCENTS }, () => innocentCalls(endsAt));
let sent = 0;
for (let now = began; now < endsAt; now = performance.now()) {
  for (const due = ((now - began) / 1000) * Number(rate); sent < due; sent += 1) {
    pending.push(add(expired, check(slow, { timeoutMs: GIVEN_UP_AFTER_MS })), abandon());
  }
  await sleep(TICK_MS);
}
await Promise.all(pending);
channel.close();
const took = (performance.now() - began) / 1000;
process.stdout.write(
  `${JSON.stringify({ expired, cancelled, innocent, givenUpPerSecond: sent / Number(seconds), seconds: took })}\n`,
);
