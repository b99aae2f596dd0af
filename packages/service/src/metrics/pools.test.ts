import { expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock } from '@rondo/rpc/clock';
import { startMetrics } from './metrics.js';

const OFF = {
  listen: undefined,
  push: undefined,
  log: silentLogger,
  clock: systemClock,
  resource: {},
  environment: {},
  handover: { clock: systemClock, timeoutMs: 0 },
};

it('tells how full the pools are by what they observe, also while no metrics are collected', async () => {
  const { meter, pools } = await startMetrics(OFF);
  expect(pools.read()).toEqual([]);
  let waiting = 0;
  const observe = (name: string, value: () => number, labels = {}) =>
    meter
      .createObservableUpDownCounter(name)
      .addCallback((result) => result.observe(value(), { 'db.client.connection.pool.name': 'shop', ...labels }));
  observe('db.client.connection.count', () => 7, { 'db.client.connection.state': 'used' });
  observe('db.client.connection.count', () => 3, { 'db.client.connection.state': 'idle' });
  observe('db.client.connection.max', () => 10);
  observe('db.client.connection.pending_requests', () => waiting);
  observe('of something else', () => 1);
  waiting = 2;
  expect(pools.read()).toEqual([{ name: 'shop', used: 7, max: 10, waiting: 2 }]);
});
