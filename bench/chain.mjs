/**
 * What Rondo's default chain costs: tiny unary calls, 64 at a time, against plain grpc-js with the same codec, in one
 * run, interleaved. Prints the ratio of calls a second of each pair of rounds, and their median.
 *
 *   node bench/chain.mjs [--rounds 9] [--seconds 2] [--metrics]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';

const CONCURRENCY = 64;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    metrics: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

async function start(kind) {
  const child = fork(new URL('./chain-server.mjs', import.meta.url), [kind]);
  const [port] = await once(child, 'message');
  return { child, address: `127.0.0.1:${port}` };
}

function plainClient(address) {
  const { requestType, responseType } = CalculatorServiceDefinition.methods.add;
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const encode = (message) => Buffer.from(requestType.encode(message).finish());
  const decode = (bytes) => responseType.decode(bytes);
  const call = (request) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 2000;
      const done = (error, reply) => (error === null ? resolve(reply) : reject(error));
      client.makeUnaryRequest('/calculator.v1.CalculatorService/Add', encode, decode, request, { deadline }, done);
    });
  return { call, close: () => client.close() };
}

function rondoClient(address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const client = createClient(CalculatorServiceDefinition, { channel });
  return { call: (request) => client.add(request), close: () => channel.close() };
}

async function round({ call }) {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let calls = 0;
  const worker = async () => {
    while (performance.now() < endsAt) {
      const { result } = await call({ a: 2n, b: 3n });
      if (result !== 5n) throw new Error(`2 + 3 is not ${result}`);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return (calls / (performance.now() - startedAt)) * 1000;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const servers = [await start('plain'), await start(values.metrics ? 'rondo-metrics' : 'rondo')];
const [plain, rondo] = [plainClient(servers[0].address), rondoClient(servers[1].address)];
await round(plain);
await round(rondo);
const ratios = [];
for (let index = 1; index <= rounds; index += 1) {
  const plainRate = await round(plain);
  const rondoRate = await round(rondo);
  ratios.push(rondoRate / plainRate);
  process.stdout.write(
    `round ${index}: plain ${plainRate.toFixed(0)}/s, rondo ${rondoRate.toFixed(0)}/s, ratio ${ratios.at(-1).toFixed(2)}\n`,
  );
}
process.stdout.write(`median ratio ${median(ratios).toFixed(2)} (${CONCURRENCY} at a time, Node ${process.version})\n`);
plain.close();
rondo.close();
for (const { child } of servers) child.kill();
