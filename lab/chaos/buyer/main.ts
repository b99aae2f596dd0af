/** Places orders until each was answered, from where an earlier buyer was killed. Some replies are lost on the way. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemRandom } from '@rondo/rpc/clock';
import { placeByAgent } from './agent.js';
import { placeByCalls } from './calls.js';
import { BUYER_OPTIONS, type BuyerOptions, noteLost, notePlaced, readLedger } from './protocol.js';

const CONCURRENCY = 16;
/** One in so many replies is lost. */
const LOST_ONE_IN = 3;
const RETRY_MS = 50;
/** No buyer lasts longer, even if the process that started it hangs. */
const MAX_LIFE_MS = 30 * 60_000;

const { registry, orders, ledger, withIds, agentsUrl }: BuyerOptions = JSON.parse(process.env[BUYER_OPTIONS] ?? '');
process.on('disconnect', () => process.exit(1));
setTimeout(() => process.exit(1), MAX_LIFE_MS).unref();

/** Whether the reply of an order is lost on its way, which is then noted. */
const loses = (): boolean => {
  if (systemRandom.next() * LOST_ONE_IN >= 1) return false;
  noteLost(ledger);
  return true;
};
const placeOnce = agentsUrl === undefined ? placeByCalls({ registry, loses }) : placeByAgent(agentsUrl, loses);
const { placed } = readLedger(ledger);
const open = Array.from({ length: orders }, (_, index) => index + 1).filter((number) => !placed.has(number));
await Promise.all(Array.from({ length: CONCURRENCY }, buyOn));
process.exit(0);

async function buyOn(): Promise<void> {
  for (let number = open.shift(); number !== undefined; number = open.shift()) {
    notePlaced(ledger, number, await place(number));
  }
}

/** Tries until the order is answered. */
async function place(number: number): Promise<string> {
  for (;;) {
    const name = await placeOnce(withIds ? requestIdOf(number) : undefined);
    if (name !== undefined) return name;
    await delay(RETRY_MS);
  }
}

/** The same for every buyer. */
function requestIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}
