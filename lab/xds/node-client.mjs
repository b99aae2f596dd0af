/** Calls calculator.Calculator by the target of its first argument, RATE times a second; prints the answers of each second as JSON. */
import path from 'node:path';
import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import { register, XdsChannelCredentials } from '@grpc/grpc-js-xds';
import { loadSync } from '@grpc/proto-loader';
import { root } from '@rondo/harness';

register();
const [target = '', rate = '100'] = process.argv.slice(2);
const { 'calculator.Calculator': definition } = loadSync('calculator/calculator.proto', {
  longs: Number,
  defaults: true,
  includeDirs: [path.join(root, 'proto')],
});
const Calculator = makeClientConstructor(definition, 'Calculator');
const client = new Calculator(target, new XdsChannelCredentials(credentials.createInsecure()));
let counts = {};
setInterval(() => {
  console.log(JSON.stringify(counts));
  counts = {};
}, 1_000);
setInterval(() => {
  client.add({ a: 0, b: 0 }, { deadline: Date.now() + 20_000 }, (error, reply) => {
    const key = error ? `${error.code} ${error.details}` : String(reply.result);
    counts[key] = (counts[key] ?? 0) + 1;
  });
}, 1_000 / Number(rate));
