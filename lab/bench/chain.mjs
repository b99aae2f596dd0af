import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { connectPlain, unaryOf } from './plain/client.mjs';
import { median, show } from './report/figures.mjs';

const CONCURRENCY = 64;
const TIMEOUT_MS = 2_000;

/**
 * What Rondo's default middleware costs: small unary calls, 64 at a time, against plain grpc-js with the same codec. The two
 * take turns in one run; the ratio of each pair of rounds counts.
 */
export const benchmark = {
  name: 'chain',
  summary: "what Rondo's default middleware costs a unary call, against plain grpc-js",
  options: {
    rounds: { type: 'count', default: 9, help: 'how often each of the two has its turn' },
    seconds: { type: 'count', default: 2, help: 'how long a turn takes' },
    metrics: { type: 'flag', help: 'with metrics' },
  },
  async run({ rounds, seconds, metrics }, { onClose }) {
    const open = async (kind, toClient) => {
      const server = startWorker(new URL('./chain/server.mjs', import.meta.url));
      onClose(() => server.close());
      const client = toClient(`127.0.0.1:${await server.ask('serve', kind)}`);
      onClose(() => client.close());
      return client;
    };
    const plain = await open('plain', plainClient);
    const rondo = await open(metrics ? 'rondo-metrics' : 'rondo', rondoClient);
    for (const client of [plain, rondo]) await callsASecond(client, seconds);
    const ratios = [];
    for (let round = 1; round <= rounds; round += 1) {
      const [plainRate, rondoRate] = [await callsASecond(plain, seconds), await callsASecond(rondo, seconds)];
      const ratio = rondoRate / plainRate;
      ratios.push(ratio);
      const rates = `plain ${plainRate.toFixed(0)}/s, rondo ${rondoRate.toFixed(0)}/s`;
      show(`round ${round}: ${rates}, ratio ${ratio.toFixed(2)}`);
    }
    show(`median ratio ${median(ratios).toFixed(2)} (${CONCURRENCY} at a time)`);
  },
};

function plainClient(address) {
  const client = connectPlain(AdderServiceDefinition, address);
  const add = unaryOf(client, 'add');
  return { call: (request) => add(request, { deadline: Date.now() + TIMEOUT_MS }), close: () => client.close() };
}

function rondoClient(address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const client = createClient(AdderServiceDefinition, { channel });
  return { call: (request) => client.add(request), close: () => channel.close() };
}

async function callsASecond({ call }, seconds) {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let calls = 0;
  const lane = async () => {
    while (performance.now() < endsAt) {
      const { result } = await call({ a: 2n, b: 3n });
      if (result !== 5n) throw new Error(`2 + 3 is not ${result}`);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return (calls / (performance.now() - startedAt)) * 1000;
}
