// The whole gateway in a process of its own, as built, over one instance at a fixed address.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { joinParts } from '@rondo/rpc/server';
import { startClock } from '../support/forward-clock.mjs';

const load = (file) => import(new URL(`../../dist/${file}`, import.meta.url).href);
const { createApp } = await load('app.js');
const { variables } = await load('config.js');

const [address, service] = process.argv.slice(2);
const fixed = staticResolver([address]);
const resolver = {
  ...fixed,
  resolve: (name, listener) =>
    fixed.resolve(name === '' ? service : name, {
      ...listener,
      onResolution: ({ endpoints, ...rest }) =>
        listener.onResolution({ ...rest, endpoints: endpoints.map((one) => ({ ...one, services: [service] })) }),
    }),
};
const quiet = () => undefined;
const log = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: ({ err, ...fields }, text) =>
    process.send({ fault: `${text} ${JSON.stringify(fields)} ${err?.stack ?? err}` }),
  child: () => log,
};
const defaults = Object.fromEntries(Object.entries(variables).map(([name, one]) => [name, one.default]));
const { clock, later } = startClock();
const app = createApp(
  {
    channel: createChannel({ resolver }),
    clock,
    random: systemRandom,
    descriptorSet: readFileSync(fileURLToPath(import.meta.resolve('@rondo/contracts/descriptors.binpb'))),
    log,
    readiness: { current: { phase: 'serving' }, subscribe: () => quiet },
  },
  { ...defaults, listen: { host: '127.0.0.1', port: 0 } },
);
const {
  listeners: [listener],
} = joinParts(app.parts);
const { address: own } = await listener.listen();
process.on('message', async () => {
  await later(() => listener.connections === 0);
  gc();
  process.send({ heapBytes: process.memoryUsage().heapUsed });
});
process.on('disconnect', () => process.exit(0));
process.send({ port: Number(own.split(':').pop()) });
