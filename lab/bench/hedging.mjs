import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { figure, quantiles, show, table } from './report/figures.mjs';

/** What hedging does for callers of three replicas that each stall 2 % of their calls, and what it costs the replicas. */
export const benchmark = {
  name: 'hedging',
  summary: 'the latency of calls to replicas that stall now and then, with and without hedges',
  options: {
    rate: { type: 'count', default: 200, help: 'calls a second of each load' },
    seconds: { type: 'count', default: 20, help: 'how long it lasts' },
  },
  async run({ rate, seconds }) {
    const worker = startWorker(new URL('./hedging/server.mjs', import.meta.url));
    try {
      const addresses = await worker.ask('addresses');
      // Both at once, so that the machine's moods hit both.
      const [plain, hedged] = await Promise.all(
        [
          ['plain', {}],
          ['hedged', { hedge: {} }],
        ].map(([name, policy]) => load({ name, policy, addresses, rate, seconds })),
      );
      const attempts = await worker.ask('attempts');
      const rows = [plain, hedged].map(({ name, calls, failed, p50, p99 }) => {
        const extra = `${figure((attempts[name] / (calls + WARM_UP) - 1) * 100)} %`;
        return [name, calls, failed, figure(p50), figure(p99), extra];
      });
      show(table(['', 'calls', 'failed', 'p50 ms', 'p99 ms', 'extra attempts'], rows));
      show(`p99 without hedges is ${figure(plain.p99 / hedged.p99)} × that with hedges`);
    } finally {
      await worker.close();
    }
  },
};

/** By then the client knows how long calls usually take. */
const WARM_UP = 600;
/** The tag of the option `(rondo.options.v1.method)`. */
const POLICY_TAG = (50550 << 3) | 2;

function withPolicy(policy) {
  const { unary } = conformance.methods;
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish();
  const options = {
    ...unary.options,
    _unknownFields: { [POLICY_TAG]: [Buffer.from([bytes.length, ...bytes])] },
  };
  return { ...conformance, methods: { unary: { ...unary, options } } };
}

async function load({ name, policy, addresses, rate, seconds }) {
  const channel = createChannel({ resolver: staticResolver(addresses, { tunnel: true }) });
  const client = createClient(withPolicy(policy), { channel });
  const took = [];
  let failed = 0;
  const call = async () => {
    const startedAt = performance.now();
    await client.unary({ text: name }).catch(() => {
      failed += 1;
    });
    took.push(performance.now() - startedAt);
  };
  for (let count = 0; count < WARM_UP; count += 20) await Promise.all(Array.from({ length: 20 }, call));
  took.length = 0;
  const calls = rate * seconds;
  const startedAt = performance.now();
  const running = [];
  while (running.length < calls) {
    const due = Math.min(calls, Math.ceil(((performance.now() - startedAt) / 1_000) * rate));
    while (running.length < due) running.push(call());
    await sleep(1);
  }
  await Promise.all(running);
  channel.close();
  return { name, calls, failed, ...quantiles(took) };
}
