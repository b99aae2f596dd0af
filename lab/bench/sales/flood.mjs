import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineCpuMs, startWorker } from '@rondo/harness';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { figure, median, quantiles, show, table } from '../report/figures.mjs';
import { salesOver } from './reads.mjs';

const CALL_MS = 5_000;
const [HARMFUL, HONEST] = [30, 100];
/** Each honest reader calls this often. */
const HONEST_EVERY_MS = 500;
/** How long readers, honest or not, call before they are measured: V8 compiles what they use. */
const WARM_UP_SECONDS = 5;
/** How often each is measured. */
const TURNS = 3;
/** With harmful readers the p99 may be this many times that with a process that only computes. */
const MAX_RATIO = 2;

/**
 * Measures honest readers alone, with readers that do harm, and with processes that compute for as much processor time as
 * those had cost; several times, as the times of one turn differ by the machine. Each reader, honest or not, has a connection of its
 * own.
 */
export async function measureFlood({ address }, seconds) {
  const channels = Array.from({ length: HONEST }, () => createChannel({ resolver: staticResolver([address]) }));
  const readers = channels.map(readsOver);
  const turns = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const measure = async () => {
      const { faults } = await readEvenly(readers, WARM_UP_SECONDS);
      const measured = await readEvenly(readers, seconds);
      return { ...measured, faults: [...faults, ...measured.faults] };
    };
    turns.push(await measureTurn(measure, address));
  }
  for (const channel of channels) channel.close();

  show(
    `${HONEST} readers, each of which calls every ${HONEST_EVERY_MS} ms for ${TURNS} times ${seconds} s, ms; cores in use`,
  );
  const rows = ['alone', 'next to harm', 'next to computing'].map((name) => rowOf(name, turns));
  show(table(['honest readers', 'calls', 'failed', 'p50', 'p99', 'max', 'cores'], rows));
  const faults = turns.flatMap((turn) => turn['next to harm'].faults);
  for (const fault of new Set(faults)) show(`failed: ${fault}`);
  for (const { done } of turns) show(`what those that do harm did: ${JSON.stringify(done)}`);
  const ratios = turns.map(
    (turn) => quantiles(turn['next to harm'].times).p99 / quantiles(turn['next to computing'].times).p99,
  );
  show(
    `p99 next to them is ${figure(median(ratios))} times that next to computing (${ratios.map(figure).join(', ')}); at most ${MAX_RATIO} is wanted`,
  );
  return faults.length === 0 && median(ratios) <= MAX_RATIO;
}

async function measureTurn(measure, address) {
  const alone = await measure();
  const harmful = startWorker(new URL('./hostile.mjs', import.meta.url));
  await harmful.ask('begin', { readers: HARMFUL, address });
  const harmed = await measure();
  const done = await harmful.ask('done');
  await harmful.close();

  const share = Math.max(0, harmed.cores - alone.cores) / availableParallelism();
  const burners = Array.from({ length: availableParallelism() }, () =>
    startWorker(new URL('../report/burner.mjs', import.meta.url)),
  );
  for (const burner of burners) await burner.ask('begin', { share });
  const burnt = await measure();
  for (const burner of burners) await burner.close();
  return { alone, 'next to harm': harmed, 'next to computing': burnt, done };
}

/** The calls of all turns together. */
function rowOf(name, turns) {
  const parts = turns.map((turn) => turn[name]);
  const times = parts.flatMap((part) => part.times);
  const { p50, p99, max } = quantiles(times);
  const failed = parts.reduce((sum, { faults }) => sum + faults.length, 0);
  return [name, times.length, failed, ...[p50, p99, max, median(parts.map(({ cores }) => cores))].map(figure)];
}

/** What an honest reader calls in turn. */
function readsOver(channel) {
  const { customers, orders, products, quotes } = salesOver(channel);
  return [
    (options) => orders.getOrder({ name: 'orders/o30' }, options),
    (options) => customers.listCustomers({}, options),
    (options) => quotes.getQuote({ name: 'quotes/q30' }, options),
    (options) => products.getProduct({ name: 'products/p7' }, options),
  ];
}

async function readEvenly(readers, seconds) {
  const times = [];
  const faults = [];
  const endsAt = performance.now() + seconds * 1_000;
  const firstAt = performance.now();
  const read = async (calls, index) => {
    // Calls are due at even times. With pauses between calls, those that once waited together would come together from then on.
    for (let count = 0; ; count += 1) {
      const dueAt = firstAt + HONEST_EVERY_MS * (count + index / readers.length);
      if (dueAt >= endsAt) return;
      await sleep(Math.max(0, dueAt - performance.now()));
      const beganAt = performance.now();
      await calls[(count + index) % calls.length]({ timeoutMs: CALL_MS }).catch((error) => faults.push(String(error)));
      times.push(performance.now() - beganAt);
    }
  };
  const [beganAt, usedMs] = [performance.now(), machineCpuMs()];
  await Promise.all(readers.map(read));
  const cores = (machineCpuMs() - usedMs) / (performance.now() - beganAt);
  return { times, faults, cores };
}
