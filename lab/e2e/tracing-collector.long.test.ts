/** Ten minutes of calls while the collector of their spans is away, slow or broken. */

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import {
  eventually,
  freePort,
  memoryMiB,
  runNode,
  type ServiceProcess,
  startRegistry,
  startService,
  until,
} from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { type Answer, startCollector } from '../../plugins/telemetry/test/collector.js';

const ANSWERS: readonly Answer[] = ['away', 'never', 500, 429];
const PER_SECOND = 500;
const TICK_MS = 20;
/** Calls in flight. A busy machine gets no more at once, as it would only be late. */
const MOST = 100;
const SECONDS = 600;
/** The process uses 20 MiB of its heap. Without a limit, V8 leaves garbage there while a machine is busy. */
const HEAP = ['--max-old-space-size=40', '--max-semi-space-size=2'];
/** What the process may still take after its first minute. */
const GROWTH_MIB = 32;
const LOST = /^otel_sdk_processor_span_processed_total\{[^}]*error_type="[^"]+"[^}]*\} (\d+)/gm;

let collector: Awaited<ReturnType<typeof startCollector>>;
let registry: ServiceProcess;
let calculator: ServiceProcess;
let metrics: string;

beforeAll(async () => {
  collector = await startCollector();
  metrics = `127.0.0.1:${await freePort()}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, RONDO_METRICS: metrics };
  registry = await startRegistry();
  calculator = await startService('calculator', { env, nodeArguments: HEAP, registry: registry.address });
  const setting = ['CalculatorService', 'admission', 'off', '--registry', registry.address];
  await eventually(async () => {
    expect(await runNode(['scripts/rondo.mjs', 'config', 'set', ...setting])).toMatchObject({ code: 0 });
  });
});
afterAll(async () => {
  await calculator.stop();
  await registry.stop();
  await collector.close();
});

/** The spans that the metrics count as lost. */
async function lostSpans(): Promise<number> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  return [...text.matchAll(LOST)].reduce((sum, [, count]) => sum + Number(count), 0);
}

it(
  'fails no call, takes no more memory, counts what it loses, and logs it once',
  async () => {
    const channel = createChannel({ resolver: staticResolver([calculator.address]) });
    const { evaluatePart } = createClient(CalculatorServiceDefinition, { channel });
    const faults: unknown[] = [];
    const resident: number[] = [];
    let calls = 0;
    let inFlight = 0;
    for (const answer of ANSWERS) {
      collector.answers(answer);
      let now = performance.now();
      for (const endsAt = now + (SECONDS / ANSWERS.length) * 1_000; now < endsAt; ) {
        const before = now;
        await sleep(systemClock, TICK_MS);
        now = performance.now();
        const due = Math.min(MOST - inFlight, Math.round(((now - before) / 1_000) * PER_SECOND));
        calls += due;
        inFlight += due;
        for (let call = 0; call < due; call += 1) {
          evaluatePart({ expressions: ['2 + 3'] })
            .catch((fault) => faults.push(fault))
            .finally(() => {
              inFlight -= 1;
            });
        }
        if (calls % (PER_SECOND * 2) < due) resident.push(memoryMiB(calculator.pid).resident);
        collector.bodies.length = 0;
      }
    }
    await until(() => inFlight === 0 || undefined, { what: 'the last calls end' });
    channel.close();
    expect(faults).toEqual([]);
    const warm = Math.max(...resident.slice(0, Math.ceil(resident.length / 10)));
    const late = Math.max(...resident.slice(-Math.ceil(resident.length / 10)));
    process.stdout.write(`${calls} calls, ${await lostSpans()} spans lost, ${warm} MiB, then ${late} MiB\n`);
    expect(late - warm).toBeLessThan(GROWTH_MIB);
    // What hasn't been lost waits, in the queue and in batches on their way.
    expect(await lostSpans()).toBeGreaterThan(calls - 8_192);
    expect(calculator.output().stdout.match(/spans are lost/g)).toHaveLength(1);
  },
  2 * SECONDS * 1_000,
);
