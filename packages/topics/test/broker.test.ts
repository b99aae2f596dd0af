/** Which broker carries the topics of a service. */

import { expect, it } from '@jest/globals';
import { Moved, MoverServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import type { PartContext } from '@rondo/rpc/internal';
import { type BrokerPlugin, createTopics } from '../src/exports/index.js';

const clocks = { clock: systemClock, wallClock: systemWallClock, random: systemRandom };
/** A database that has no rows. */
const rowless = { query: async () => [], one: async () => ({}) } as unknown as Database;

const topicsOf = (plugin: PartContext['plugin']) =>
  createTopics({
    database: { ...rowless, process: { log: silentLogger, ...clocks, plugin } },
    topics: [Moved],
    services: [MoverServiceDefinition],
  });

it('the plugin that RONDO_TOPICS asks for opens it when the topics start, and once', async () => {
  const opened: string[] = [];
  const refuse = () => Promise.reject(new Error('away'));
  const plugin: BrokerPlugin = {
    kind: 'broker',
    package: 'test',
    schemes: ['test'],
    open(url) {
      opened.push(url);
      return {
        open: refuse,
        end: refuse,
        send: refuse,
        waiting: refuse,
        close: async () => undefined,
        receive: () => ({ close: refuse }),
        async *read() {},
      };
    },
  };
  const topics = topicsOf((kind) => (kind === 'broker' ? { plugin, url: 'test://a' } : undefined));
  expect(opened).toEqual([]);
  await topics.start();
  await topics.start();
  await topics.stop();
  expect(opened).toEqual(['test://a']);
});

it('a service whose plugin is missing is not created, as the process has no broker', () => {
  const missing = () => {
    throw new Error('RONDO_TOPICS needs a plugin');
  };
  expect(() => topicsOf(missing)).toThrow('RONDO_TOPICS needs a plugin');
});

it('a plugin of another kind opens no broker', async () => {
  const topics = topicsOf(() => ({ plugin: { kind: 'cache' }, url: 'test://a' }));
  await expect(topics.start()).rejects.toThrow('the plugin for RONDO_TOPICS opens no broker');
  await topics.stop();
});
