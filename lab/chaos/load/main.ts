/** A client under load, as a process of its own: it prints the calls that it made, until SIGTERM. */
import { setTimeout as delay } from 'node:timers/promises';
import { configuredMutualTls } from '@rondo/rpc/internal';
import { createCaller } from './caller.js';
import { channelOf } from './channel.js';
import { createFrontDoorCaller } from './front-door.js';
import { openLoop } from './open-loop.js';
import { type CallRecord, LOAD_OPTIONS, type LoadOptions } from './protocol.js';

const WINDOW_MS = 250;
/** No load lasts longer, even if the process that started it hangs. */
const MAX_LIFE_MS = 10 * 60_000;

const options: LoadOptions = JSON.parse(process.env[LOAD_OPTIONS] ?? '');
const mutualTls = configuredMutualTls(process.env);
const channel = channelOf(options, mutualTls);
const scheme = mutualTls === undefined ? 'http' : 'https';
const call = options.over === undefined ? createCaller(channel, options) : await createFrontDoorCaller(options, scheme);
let window: CallRecord[] = [];

const loop = openLoop(options.callsPerSecond, async () => {
  const record = await call();
  window.push(record); // after the await: print() has replaced the array of then
});
const printing = setInterval(() => void print(), WINDOW_MS);

const over = new Promise<void>((resolve) => {
  process.on('SIGTERM', resolve).on('disconnect', resolve);
  setTimeout(resolve, MAX_LIFE_MS).unref();
});
await over;
await Promise.race([loop.stop(), delay(options.timeoutMs + 1_000)]);
clearInterval(printing);
await print();
channel.close();
process.exit(0);

function print(): Promise<void> {
  const calls = window;
  window = [];
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify({ calls, stallMs: loop.takeStallMs() })}\n`, () => resolve());
  });
}
