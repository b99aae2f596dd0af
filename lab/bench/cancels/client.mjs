// Cancels streams at random points, sends its parent a report when it has closed its channel, and ends by itself.
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';

const [address, streams, lanes] = process.argv.slice(2);
let timers = 0;
/** The system's clock, which counts the timers that are set. */
const clock = {
  now: () => systemClock.now(),
  setTimer(delayMs, callback, options) {
    let waits = true;
    const end = () => {
      if (waits) timers -= 1;
      waits = false;
    };
    timers += 1;
    const run = () => {
      end();
      callback();
    };
    const timer = systemClock.setTimer(delayMs, run, options);
    const cancel = () => {
      end();
      timer.cancel();
    };
    return { cancel };
  },
};
const channel = createChannel({ resolver: staticResolver([address]), clock });
const client = createClient(conformance, { channel });

async function* endless() {
  for (let index = 0; index < 20; index += 1) yield { text: 'x' };
  await new Promise(() => undefined);
}
async function drain(replies) {
  for await (const _reply of replies);
}
const kinds = [
  (options) => client.unaryUnsafe({}, options),
  (options) => client.clientStream(endless(), options),
  (options) => drain(client.serverStream({}, options)),
  (options) => drain(client.bidiStream(endless(), options)),
];
/** When a call is cancelled: in the turn of its start, some promises later, in the next turn, or within 5 ms. */
const moments = [
  async (cancel) => cancel(),
  async (cancel) => {
    for (let left = Math.random() * 80; left > 0; left -= 1) await undefined;
    cancel();
  },
  async (cancel) => setImmediate(cancel),
  async (cancel) => setTimeout(cancel, Math.random() * 5),
];
const oneOf = (choices) => choices[Math.floor(Math.random() * choices.length)];

const codes = {};
let begun = 0;
async function lane() {
  while (begun < Number(streams)) {
    begun += 1;
    const controller = new AbortController();
    const { signal } = controller;
    const call = oneOf(kinds)({ signal });
    void oneOf(moments)(() => controller.abort());
    const code = await call.then(
      () => 'OK',
      (error) => error.codeName ?? String(error),
    );
    codes[code] = (codes[code] ?? 0) + 1;
  }
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(lanes) }, lane));
const seconds = Math.round(performance.now() - startedAt) / 1_000;
channel.close();
process.send({ codes, seconds, cpuSeconds: process.cpuUsage().user / 1e6 }, () => process.disconnect());
process.on('exit', () => {
  if (timers > 0) process.stdout.write(`${timers} timers are left\n`);
});
