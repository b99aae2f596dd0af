/** Places orders until each was answered, from where an earlier buyer was killed. Some replies are lost on the way. */
import { setTimeout as delay } from 'node:timers/promises';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import {
  configuredMutualTls,
  grpcTransport,
  TransportError,
  type TransportFactory,
  wrapTransport,
} from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { BUYER_OPTIONS, type BuyerOptions, CUSTOMER, noteLost, notePlaced, PRODUCT, readLedger } from './protocol.js';

const CONCURRENCY = 16;
/** One in so many replies is lost. */
const LOST_ONE_IN = 3;
const RETRY_MS = 50;
/** No buyer lasts longer, even if the process that started it hangs. */
const MAX_LIFE_MS = 5 * 60_000;

const { registry, orders, ledger, withIds }: BuyerOptions = JSON.parse(process.env[BUYER_OPTIONS] ?? '');
process.on('disconnect', () => process.exit(1));
setTimeout(() => process.exit(1), MAX_LIFE_MS).unref();

/** Loses replies: the server has carried out the call, and its reply doesn't arrive. */
const forgetful: TransportFactory = (address, options) => {
  const inner = grpcTransport(address, options);
  return wrapTransport(inner, {
    async call(wire) {
      const reply = await inner.call(wire);
      if (!wire.path.endsWith('/PlaceOrder') || systemRandom.next() * LOST_ONE_IN >= 1) return reply;
      noteLost(ledger);
      throw new TransportError(Status.UNAVAILABLE, 'the reply was lost', { reach: 'unknown' });
    },
  });
};

const channel = createRegistryChannel({ registry, transport: forgetful, mutualTls: configuredMutualTls(process.env) });
const client = createClient(OrderServiceDefinition, { channel });
const { placed } = readLedger(ledger);
const open = Array.from({ length: orders }, (_, index) => index + 1).filter((number) => !placed.has(number));
await Promise.all(Array.from({ length: CONCURRENCY }, buyOn));
channel.close();
process.exit(0);

async function buyOn(): Promise<void> {
  for (let number = open.shift(); number !== undefined; number = open.shift()) {
    notePlaced(ledger, number, await place(number));
  }
}

/** Tries until the order is answered. */
async function place(number: number): Promise<string> {
  const order = { customer: CUSTOMER, lines: [{ product: PRODUCT, quantity: 1n }] };
  const requestId = withIds ? requestIdOf(number) : '';
  for (;;) {
    try {
      return (await client.placeOrder({ order, requestId })).name;
    } catch (error) {
      if (!isPassing(error)) throw error;
      await delay(RETRY_MS);
    }
  }
}

/** Whether a failure leaves open if the order was placed. Any other failure isn't expected here. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED;
}

/** The same for every buyer. */
function requestIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}
