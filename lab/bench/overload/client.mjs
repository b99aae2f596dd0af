// A worker that calls at a rate, whatever the answers: an overloaded server's callers don't wait for each other.
import { setTimeout as sleep } from 'node:timers/promises';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { answerParent } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { connectPlain, unaryOf } from '../plain/client.mjs';
import { quantiles } from '../report/figures.mjs';
import { contract } from './contract.mjs';

const DEADLINE_MS = 1_000;
/** Calls a second of each kind beside the load. */
const HIGH_RATE = 100;
const OTHER_RATE = 20;
const DEFINITIONS = [contract, HealthDefinition, RegistryServiceDefinition];
const NAMES = ['unary', 'unaryUnsafe', 'check', 'renew', 'setOperatorState'];

let methods;

answerParent({
  /** Connects plain grpc-js clients, or Rondo's, which retry. */
  connect({ kind, addresses }) {
    methods = kind === 'plain' ? plain(addresses) : rondo(addresses);
  },
  load,
});

function plain([address]) {
  const clients = new Map(DEFINITIONS.map((one) => [one, connectPlain(one, address)]));
  const methodOf = (name) => {
    const definition = DEFINITIONS.find(({ methods: own }) => name in own);
    const call = unaryOf(clients.get(definition), name);
    const request = definition.methods[name].requestType.fromPartial({});
    return () => call(request, { deadline: Date.now() + DEADLINE_MS });
  };
  return Object.fromEntries(NAMES.map((name) => [name, methodOf(name)]));
}

function rondo(addresses) {
  const channel = createChannel({ resolver: staticResolver(addresses, { frames: true }) });
  const all = Object.assign(
    {},
    ...[contract, HealthDefinition, RegistryServiceDefinition].map((one) => createClient(one, { channel })),
  );
  return Object.fromEntries(NAMES.map((name) => [name, () => all[name]({}, { timeoutMs: DEADLINE_MS })]));
}

/** Calls for `seconds`. Gives for each method the calls, the quantiles of the successful ones, and those by second and code. */
async function load({ rate, seconds }) {
  const rates = { unary: rate - HIGH_RATE, unaryUnsafe: HIGH_RATE };
  const running = NAMES.map(async (name) => [
    name,
    await callAtRate(methods[name], rates[name] ?? OTHER_RATE, seconds),
  ]);
  return Object.fromEntries(await Promise.all(running));
}

async function callAtRate(call, rate, seconds) {
  const startedAt = performance.now();
  const took = [];
  const bySecond = Array.from({ length: seconds }, () => 0);
  const byCode = {};
  const running = new Set();
  const make = async () => {
    const began = performance.now();
    try {
      await call();
      took.push(performance.now() - began);
      bySecond[Math.floor((began - startedAt) / 1_000)] += 1;
    } catch (error) {
      byCode[error.code] = (byCode[error.code] ?? 0) + 1;
    }
  };
  let made = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.min(rate * seconds, ((performance.now() - startedAt) / 1_000) * rate);
    for (; made < due; made += 1) {
      const one = make();
      running.add(one);
      void one.then(() => running.delete(one));
    }
    await sleep(1);
  }
  await Promise.all(running);
  return { calls: made, answered: took.length, bySecond, byCode, ...quantiles(took) };
}
