/** Places orders until each was answered, and goes on where one before it was killed. Some replies are lost on the way. */
import { setTimeout as delay } from 'node:timers/promises';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { grpcTransport, TransportError, type TransportFactory, wrapTransport } from '@rondo/rpc/transport';
import { noteLost, notePlaced, readLedger } from './ledger.js';
import { BUYER_OPTIONS, type BuyerOptions, CUSTOMER, PRODUCT } from './options.js';

const UNDER_WAY = 16;
/** One reply in so many is lost. */
const LOST_ONE_IN = 3;
const AGAIN_MS = 50;
/** Whatever becomes of the others: no buyer lasts longer. */
const MAX_LIFE_MS = 5 * 60_000;

const { registry, orders, ledger, withIds }: BuyerOptions = JSON.parse(process.env[BUYER_OPTIONS] ?? '');
process.on('disconnect', () => process.exit(1));
setTimeout(() => process.exit(1), MAX_LIFE_MS).unref();

/** The server has done what it was asked, and its answer doesn't arrive. */
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

const channel = createRegistryChannel({ registry, transport: forgetful });
const client = createClient(OrderServiceDefinition, { channel });
const { placed } = readLedger(ledger);
const open = Array.from({ length: orders }, (_, index) => index + 1).filter((number) => !placed.has(number));
await Promise.all(Array.from({ length: UNDER_WAY }, buyOn));
channel.close();
process.exit(0);

async function buyOn(): Promise<void> {
  for (let number = open.shift(); number !== undefined; number = open.shift()) {
    notePlaced(ledger, number, await place(number));
  }
}

/** Until it is answered. */
async function place(number: number): Promise<string> {
  const order = { customer: CUSTOMER, lines: [{ product: PRODUCT, quantity: 1n }] };
  const requestId = withIds ? requestIdOf(number) : '';
  for (;;) {
    try {
      return (await client.placeOrder({ order, requestId })).name;
    } catch (error) {
      if (!isPassing(error)) throw error;
      await delay(AGAIN_MS);
    }
  }
}

/** Nobody knows whether it was done; any other failure isn't expected here. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED;
}

/** The same for who comes after this process. */
function requestIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}
