/** What the seed reads of the samples' resources. Their contracts aren't imported: an app may not have them. */
import { createHash } from 'node:crypto';
import type { CalendarDate } from './calendar.js';

/** A resource; each kind has some of the fields. */
export interface Resource {
  readonly name: string;
  readonly etag: string;
  readonly displayName: string;
  readonly sku: string;
  readonly state: number;
  readonly owner: string;
  readonly project: string;
  readonly order: string;
  readonly createTime: Date;
  readonly weeklyCapacityMinutes: bigint;
  readonly weekStartDate: CalendarDate;
  readonly total: { readonly currencyCode: string; readonly units: bigint; readonly nanos: number };
}

type Call<Reply = Resource> = (request: object) => Promise<Reply>;
type List<Field extends string> = Call<Readonly<Record<Field, readonly Resource[]>>>;

/** The clients of the services, and the states by name. */
export interface Clients {
  readonly team: Record<'createMember' | 'updateMember' | 'createReservation' | 'deleteReservation', Call> & {
    readonly listMembers: List<'members'>;
    readonly listReservations: List<'reservations'>;
  };
  readonly projects: Record<'getProject' | 'updateProject', Call> & {
    readonly estimateProject: Call<{ readonly totalEffortMinutes: bigint }>;
  };
  readonly tasks: { readonly updateTask: Call; readonly listTasks: List<'tasks'> };
  readonly products: { readonly createProduct: Call; readonly listProducts: List<'products'> };
  readonly customers: { readonly createCustomer: Call; readonly listCustomers: List<'customers'> };
  readonly quotes: Record<'createQuote' | 'deleteQuote' | 'getQuote', Call> & {
    readonly acceptQuote: Call<{ readonly order: Resource }>;
  };
  readonly orders: Record<'placeOrder' | 'getOrder' | 'cancelOrder', Call>;
  readonly projectStates: Readonly<Record<string, number>>;
  readonly taskStates: Readonly<Record<string, number>>;
}

/** Whether a call has failed with one of the statuses. */
export const failedWith = (error: unknown, ...names: readonly string[]): boolean =>
  typeof error === 'object' && error !== null && 'codeName' in error && names.includes(String(error.codeName));

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
