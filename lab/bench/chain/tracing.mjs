import { startWorker } from '@rondo/harness';
import { figure, median, show, table } from '../report/figures.mjs';

const CONCURRENCY = 64;
/** A call has a span at its client and one at its server. */
const SPANS = 2;
const WORKER = new URL('./traced.mjs', import.meta.url);

const SAMPLED = {
  off: undefined,
  '1 %': { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' },
  '100 %': { OTEL_TRACES_SAMPLER: 'parentbased_always_on' },
};

/**
 * What tracing costs a small unary call, 64 at a time: no tracing, a hundredth of the traces, and all of them, sent by OTLP to a
 * collector in another process. They take turns; the ratio of each pair of turns in a round counts.
 */
export async function compareTracing({ rounds, seconds, frames }, onClose) {
  const open = (env) => {
    const worker = startWorker(WORKER, { env });
    onClose(() => worker.close());
    return worker;
  };
  const url = await open({}).ask('collect');
  const pairs = new Map();
  for (const [name, sampler] of Object.entries(SAMPLED)) {
    const env = sampler === undefined ? {} : { ...sampler, OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const [server, client] = [open(env), open(env)];
    await client.ask('connect', { address: await server.ask('serve'), frames });
    pairs.set(name, { server, client, turns: [] });
  }
  for (const pair of pairs.values()) await turn(pair, seconds);
  for (let round = 1; round <= rounds; round += 1) {
    // Another one begins each time: what runs after a pause has an advantage.
    const order = [...pairs.values()];
    order.push(...order.splice(0, round % order.length));
    for (const pair of order) pair.turns.push(await turn(pair, seconds));
    show(
      `round ${round}: ${[...pairs].map(([name, { turns }]) => `${name} ${figure(turns.at(-1).rate)}/s`).join(', ')}`,
    );
  }
  const off = pairs.get('off').turns;
  const rows = [...pairs].map(([name, { turns }]) => [
    name,
    figure(median(turns.map(({ rate }) => rate))),
    figure(median(turns.map(({ rate }, index) => rate / off[index].rate))),
    figure(median(turns.map(({ micros }) => micros))),
  ]);
  show(table(['sampled', 'calls/s', 'ratio to off', 'µs of processor a call'], rows));
  const more = median(pairs.get('100 %').turns.map(({ micros }, index) => micros - off[index].micros));
  show(
    `${figure(more / SPANS)} µs of processor a recorded span, with its export (${CONCURRENCY} at a time, ${frames ? 'frames' : 'gRPC'})`,
  );
}

/** One turn of a pair: calls a second, and the processor time of both ends a call. */
async function turn({ server, client }, seconds) {
  const cpu = async () => (await server.ask('cpuMicros')) + (await client.ask('cpuMicros'));
  const before = await cpu();
  const { calls, ms } = await client.ask('call', { seconds, concurrency: CONCURRENCY });
  return { rate: (calls / ms) * 1000, micros: ((await cpu()) - before) / calls };
}
