/** The clients of the services that have the company's data. */
import { createHash } from 'node:crypto';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { TaskServiceDefinition } from '@rondo/contracts/projects/v1/tasks';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createClient } from '@rondo/rpc/client';
import { createSemaphore } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';

/** The clients by what they work on. */
export type Clients = ReturnType<typeof createClients>;

/** Makes the clients, by the registry that the environment names. */
export const createClients = () => ({
  team: createClient(TeamServiceDefinition),
  projects: createClient(ProjectServiceDefinition),
  tasks: createClient(TaskServiceDefinition),
  products: createClient(ProductServiceDefinition),
  customers: createClient(CustomerServiceDefinition),
  quotes: createClient(QuoteServiceDefinition),
  orders: createClient(OrderServiceDefinition),
});

/** How many items {@link forEach} works on at once: it keeps the services busy, and no call waits for long. */
const AT_ONCE = 16;

/** Runs `work` for each item, some at once. Resolves to the results in the items' order. */
export function forEach<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const { run } = createSemaphore(AT_ONCE);
  return Promise.all(items.map((item, index) => run(() => work(item, index))));
}

/** Whether a call has failed with one of the statuses. */
export const failedWith = (error: unknown, ...names: readonly string[]): boolean =>
  error instanceof RpcError && names.includes(error.codeName);

/** The reply of a call; undefined if it fails with one of the statuses. */
export function unless<T>(call: Promise<T>, ...names: readonly string[]): Promise<T | undefined> {
  return call.catch((error) => {
    if (!failedWith(error, ...names)) throw error;
    return undefined;
  });
}

/** A UUID that follows from a name (RFC 9562, version 8). */
export function requestId(name: string): string {
  const hash = createHash('sha256').update(`rondo seed ${name}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
