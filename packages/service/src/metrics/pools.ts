import type { PoolStatus } from '@rondo/contracts/rondo/stats/v1/stats';
import type { Instruments } from './instruments.js';

/** The instruments of a pool of database connections, and what each tells of it. */
const FIELDS = {
  'db.client.connection.count': 'used',
  'db.client.connection.max': 'max',
  'db.client.connection.pending_requests': 'waiting',
} as const;

/** The pools of database connections that measure themselves. */
export interface MeteredPools {
  /** How full they are now, also while no metrics are collected: `rondo bench` asks for it. */
  read(): PoolStatus[];
}

/** The pools that measure themselves by these instruments. */
export function readPools(instruments: Instruments): PoolStatus[] {
  const pools = new Map<string, PoolStatus>();
  for (const [instrument, field] of Object.entries(FIELDS)) {
    for (const { value, attributes } of instruments.read(instrument)) {
      if ((attributes['db.client.connection.state'] ?? 'used') !== 'used') continue;
      const name = String(attributes['db.client.connection.pool.name']);
      pools.set(name, { ...(pools.get(name) ?? { name, used: 0, max: 0, waiting: 0 }), [field]: value });
    }
  }
  return [...pools.values()];
}
