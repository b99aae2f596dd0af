import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What a buyer, and those before it, have written down. */
export interface Ledger {
  /** The names of the orders that were answered, by number. */
  readonly placed: ReadonlyMap<number, string>;
  /** How many replies were lost. */
  readonly lost: number;
}

/** Reads it; empty where there is none. A line that a killed buyer didn't finish doesn't count. */
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

/** Writes an answered order down. */
export function notePlaced(file: string, number: number, name: string): void {
  appendFileSync(file, `placed ${number} ${name}\n`);
}

/** Writes down that a reply was lost. */
export function noteLost(file: string): void {
  appendFileSync(file, 'lost\n');
}
