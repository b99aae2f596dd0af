import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import {
  configuredMutualTls,
  peerTransport,
  TransportError,
  type TransportFactory,
  wrapTransport,
} from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { type BuyerOptions, CUSTOMER, PRODUCT } from './protocol.js';

/** Tries to place an order: its name, or undefined if that is open. Any other failure is an error. */
export type PlaceOnce = (requestId: string | undefined) => Promise<string | undefined>;

/** Places orders by a client of sales, which loses some replies: the server has carried out the call, and its reply doesn't arrive. */
export function placeByCalls({
  registry,
  loses,
}: Pick<BuyerOptions, 'registry'> & { readonly loses: () => boolean }): PlaceOnce {
  const forgetful: TransportFactory = (address, options) => {
    const inner = peerTransport(address, options);
    return wrapTransport(inner, {
      async call(wire) {
        const reply = await inner.call(wire);
        if (!wire.path.endsWith('/PlaceOrder') || !loses()) return reply;
        throw new TransportError(Status.UNAVAILABLE, 'the reply was lost', { reach: 'unknown' });
      },
    });
  };
  const channel = createRegistryChannel({
    registry,
    transport: forgetful,
    mutualTls: configuredMutualTls(process.env),
  });
  const client = createClient(OrderServiceDefinition, { channel });
  const order = { customer: CUSTOMER, lines: [{ product: PRODUCT, quantity: 1n }] };
  return async (requestId = '') => {
    try {
      return (await client.placeOrder({ order, requestId })).name;
    } catch (error) {
      if (isPassing(error)) return undefined;
      throw error;
    }
  };
}

/** Whether a failure leaves open if the order was placed. Any other failure isn't expected here. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED;
}
