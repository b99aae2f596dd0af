import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What a buyer's process is started with. */
export interface BuyerOptions {
  readonly registry: readonly string[];
  /** How many orders there must be in the end. */
  readonly orders: number;
  /** The file that outlives the buyer: the orders that were answered, and the replies that were lost. */
  readonly ledger: string;
  /** Whether each order has a `request_id` of its own, the same in each try. */
  readonly withIds: boolean;
  /** Where the gateway serves agents, if the buyer is one; undefined for a buyer that calls sales itself. */
  readonly agentsUrl?: string | undefined;
}

/** The variable that takes the options to the buyer's process, as JSON. */
export const BUYER_OPTIONS = 'CHAOS_BUYER';

/** The customer that buys. */
export const CUSTOMER = 'customers/buyer';
/** The product that each order has one unit of. */
export const PRODUCT = 'products/desk';

/** What all buyers so far have written down. */
export interface Ledger {
  /** The names of the orders that were answered, by the order's number. */
  readonly placed: ReadonlyMap<number, string>;
  /** How many replies were lost. */
  readonly lost: number;
}

/** Reads a ledger; it is empty if there is no file. A line that a killed buyer didn't finish doesn't count. */
export function readLedger(file: string): Ledger {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const placed = new Map<number, string>();
  let lost = 0;
  for (const line of lines) {
    const [what, number, name] = line.split(' ');
    if (what === 'lost') lost += 1;
    if (what === 'placed' && name !== undefined) placed.set(Number(number), name);
  }
  return { placed, lost };
}

/** Adds an order that was answered. */
export function notePlaced(file: string, number: number, name: string): void {
  appendFileSync(file, `placed ${number} ${name}\n`);
}

/** Adds a lost reply. */
export function noteLost(file: string): void {
  appendFileSync(file, 'lost\n');
}
