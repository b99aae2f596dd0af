import type { Meter, ObservableCallback } from '@opentelemetry/api';
import type { PoolStatus } from '@rondo/contracts/rondo/stats/v1/stats';

const NAME = 'db.client.connection.pool.name';
const STATE = 'db.client.connection.state';

/** The instruments of a pool, and what each tells of it. */
const FIELDS: ReadonlyMap<string, 'used' | 'max' | 'waiting'> = new Map([
  ['db.client.connection.count', 'used'],
  ['db.client.connection.max', 'max'],
  ['db.client.connection.pending_requests', 'waiting'],
]);

/** The pools that measure themselves by a meter. */
export interface MeteredPools {
  /** The meter, to be given to the pools. */
  readonly meter: Meter;
  /** How full they are now, also while no metrics are collected. */
  read(): PoolStatus[];
}

/** Notes how pools of database connections observe themselves: `rondo bench` asks for it where metrics are off. */
export function meterPools(meter: Meter): MeteredPools {
  const observing: { readonly field: 'used' | 'max' | 'waiting'; readonly callback: ObservableCallback }[] = [];
  return {
    meter: {
      ...meter,
      createObservableUpDownCounter(name, options) {
        const instrument = meter.createObservableUpDownCounter(name, options);
        const field = FIELDS.get(name);
        if (field === undefined) return instrument;
        return {
          addCallback(callback) {
            observing.push({ field, callback });
            instrument.addCallback(callback);
          },
          removeCallback: (callback) => instrument.removeCallback(callback),
        };
      },
    },
    read() {
      const pools = new Map<string, PoolStatus>();
      for (const { field, callback } of observing) {
        void callback({
          observe(value, { [NAME]: label, [STATE]: state = 'used' } = {}) {
            if (state !== 'used') return;
            const name = String(label);
            pools.set(name, { ...(pools.get(name) ?? { name, used: 0, max: 0, waiting: 0 }), [field]: value });
          },
        });
      }
      return [...pools.values()];
    },
  };
}
