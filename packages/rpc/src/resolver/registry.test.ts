import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { InstanceStatus, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import { recordingLogger } from '../../test/support/recording-logger.js';
import {
  at,
  delta,
  instances,
  progress,
  recordingListener,
  scriptedWatch,
  settled,
  snapshot,
} from '../../test/support/scripted-watch.js';
import { registryResolver } from './registry.js';
import type { Resolver } from './resolver.js';

const SERVICE = 'calculator.v1.CalculatorService';
const EXPIRED = RemovalReason.REMOVAL_REASON_EXPIRED;
const GOODBYE = RemovalReason.REMOVAL_REASON_DEREGISTERED;

let open: Resolver | undefined;
afterEach(() => open?.close());

function follow() {
  const script = scriptedWatch();
  const recorded = recordingListener();
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const random = seededRandom(3);
  const resolver = registryResolver({ watch: script.watch, addresses: ['r:1'], clock, random, logger });
  open = resolver;
  const resolving = resolver.resolve(SERVICE, recorded.listener);
  const said = () => lines.filter(({ level }) => level !== 'debug');
  return { ...script, ...recorded, clock, said, resolver, resolving };
}

describe('the resolution of a registry resolver', () => {
  it('is the snapshot, and then each change', async () => {
    const { event, names, resolutions, requests } = follow();
    expect(requests).toEqual([{ service: SERVICE }]);
    await event({ position: at(5n), event: snapshot(['a', 'b']) });
    expect(names()).toEqual(['a', 'b']);
    await event({ position: at(6n), event: delta(['c'], [['a', EXPIRED]]) });
    expect(names()).toEqual(['b', 'c']);
    expect(resolutions.at(-1)?.departed).toEqual([]);
    await event({ position: at(7n), event: progress });
    expect(resolutions).toHaveLength(2);
  });

  it('waits for all parts of a snapshot, and drops no instance before the last', async () => {
    const { event, names, resolutions } = follow();
    await event({ position: at(1n), event: snapshot(['a', 'z']) });
    await event({ event: snapshot(['a', 'b'], true) });
    expect(resolutions).toHaveLength(1);
    await event({ position: at(9n), event: snapshot(['c']) });
    expect(names()).toEqual(['a', 'b', 'c']);
  });

  it('drops the parts of an incomplete snapshot', async () => {
    const { event, fail, names, clock, requests } = follow();
    await event({ position: at(3n), event: snapshot(['a']) });
    await event({ event: snapshot(['ghost'], true) });
    await fail('reset');
    await clock.advance(5_000);
    expect(requests.at(-1)).toEqual({ service: SERVICE, resumeFrom: at(3n) });
    await event({ position: at(9n), event: snapshot(['b']) });
    expect(names()).toEqual(['b']);
  });
});

describe('a registry that restarts empty', () => {
  it('is merged into the known instances while it warms up, and replaces them afterwards', async () => {
    const { event, fail, names, clock } = follow();
    await event({ position: at(7n), event: snapshot(['a', 'b', 'c']) });
    await fail('connection lost');
    await clock.advance(5_000);
    await event({ position: at(1n, 2n), warming: true, event: snapshot(['a', 'd']) });
    expect(names()?.sort()).toEqual(['a', 'b', 'c', 'd']);
    await event({ position: at(2n, 2n), warming: true, event: delta(['b']) });
    expect(names()?.sort()).toEqual(['a', 'b', 'c', 'd']);
    await event({ position: at(3n, 2n), event: snapshot(['a', 'b', 'd']) });
    expect(names()?.sort()).toEqual(['a', 'b', 'd']);
  });

  it('makes the client forget what it has not named before there are more instances than there can be', async () => {
    const { event, names } = follow();
    const all = (life: bigint) => Array.from({ length: 20_000 }, (_, index) => `${life}-${index}`);
    for (const life of [1n, 2n, 3n]) await event({ position: at(1n, life), warming: true, event: snapshot(all(life)) });
    expect(names()).toEqual(all(3n));
  });

  it('reports the departure of the last instance too, and then the client waits again', async () => {
    const { event, names, resolutions, pending } = follow();
    await event({ position: at(7n), event: snapshot(['a']) });
    await event({ position: at(1n, 2n), warming: true, event: snapshot([]) });
    await event({ position: at(2n, 2n), warming: true, event: delta([], [['a', GOODBYE]]) });
    expect(names()).toEqual([]);
    expect(resolutions.at(-1)?.departed).toEqual(['a']);
    expect(pending()).toBe(1);
  });

  it('removes a draining instance at once while it warms up', async () => {
    const { event, names } = follow();
    const [a, b] = instances('a', 'b');
    const draining = { ...b, status: InstanceStatus.INSTANCE_STATUS_DRAINING };
    await event({ position: at(7n), event: { $case: 'snapshot', value: { instances: [a ?? {}, draining] } } });
    await event({ position: at(1n, 2n), warming: true, event: snapshot([]) });
    expect(names()).toEqual(['a']);
  });

  it('logs each change of state once, and counts it', async () => {
    const { event, fail, clock, said, resolving } = follow();
    expect(resolving.inspect?.()).toMatchObject({ state: 'connecting', sinceMs: clock.now(), position: undefined });
    await event({ position: at(7n), event: snapshot(['a']) });
    await fail('connection lost');
    await clock.advance(1_000);
    expect(resolving.inspect?.()).toMatchObject({ state: 'away', position: at(7n) });
    await event({ position: at(1n, 2n), warming: true, event: snapshot([]) });
    await event({ position: at(2n, 2n), warming: true, event: progress });
    expect(resolving.inspect?.()).toMatchObject({ state: 'warming', address: 'r:1', sinceMs: clock.now() });
    await event({ position: at(3n, 2n), event: snapshot(['a']) });
    expect(said().map(({ message }) => message.split(':')[0])).toEqual([
      'the registry is away',
      'the registry has started empty',
      'the registry has warmed up',
    ]);
    const { changes, position } = resolving.inspect?.() ?? {};
    expect(position).toEqual(at(3n, 2n));
    expect(Object.fromEntries(changes ?? [])).toEqual({ connected: 2, away: 1, warming: 1 });
  });
});

describe('an answer that no registry gives', () => {
  it.each<[string, Parameters<ReturnType<typeof follow>['event']>[0]]>([
    ['without a position', { event: snapshot(['b']) }],
    ['of more instances than there can be', { position: at(8n), event: snapshot(Array(50_001).fill('b')) }],
  ])('%s breaks the watch, and does not change the known instances', async (_name, answer) => {
    const { event, clock, names, requests, failures } = follow();
    await event({ position: at(7n), event: snapshot(['a']) });
    await event(answer);
    await clock.advance(5_000);
    expect(names()).toEqual(['a']);
    expect(failures).toHaveLength(1);
    expect(requests.at(-1)).toEqual({ service: SERVICE, resumeFrom: at(7n) });
    await event({ position: at(9n), event: delta(['c']) });
    expect(names()).toEqual(['a', 'c']);
  });

  it('of an unknown kind is ignored, with its position', async () => {
    const { event, fail, clock, names, requests } = follow();
    await event({ position: at(7n), event: snapshot(['a']) });
    await event({ position: at(8n) });
    await fail('reset');
    await clock.advance(1_000);
    expect(names()).toEqual(['a']);
    expect(requests.at(-1)).toEqual({ service: SERVICE, resumeFrom: at(7n) });
  });

  it('names instances that the client cannot call: the others are used, and it is logged once', async () => {
    const { event, names, said } = follow();
    const [usable, ...others] = instances('a', 'b', 'c');
    const endpoints = [{ address: 'nowhere', protocols: [], security: 0, minPingInterval: undefined }];
    const listed = [usable ?? {}, ...others.map((instance) => ({ ...instance, endpoints }))];
    await event({ position: at(1n), event: { $case: 'snapshot', value: { instances: listed } } });
    expect(names()).toEqual(['a']);
    expect(said()).toMatchObject([{ level: 'warn', fields: { instanceId: 'b' } }]);
  });
});

describe('a watch that breaks', () => {
  it('resumes from its position, and the known instances are kept', async () => {
    const { event, fail, clock, requests, resolutions, failures } = follow();
    await event({ position: at(7n), event: snapshot(['a']) });
    await event({ position: at(9n), event: progress });
    await fail('connection lost');
    await clock.advance(5_000);
    expect(requests).toEqual([{ service: SERVICE }, { service: SERVICE, resumeFrom: at(9n) }]);
    expect(resolutions).toHaveLength(1);
    expect(failures).toEqual(['connection lost']);
  });

  it('logs once that the registry is away, and once that it is back', async () => {
    const { event, fail, end, clock, said } = follow();
    await event({ position: at(1n), event: snapshot(['a']) });
    for (const cut of [() => fail('one'), () => end(), () => fail('three')]) {
      await cut();
      await clock.advance(5_000);
    }
    const away = 'the registry is away: calls go on to the known instances';
    expect(said()).toMatchObject([
      { level: 'warn', message: away, fields: { target: SERVICE, known: 1, reason: 'one' } },
    ]);
    await event({ position: at(2n), event: progress });
    await event({ position: at(3n), event: progress });
    expect(said().slice(1)).toMatchObject([{ level: 'info', message: 'the registry is back' }]);
  });

  it('is retried soon, then with growing waits of at most 3 s', async () => {
    const { fail, clock, requests } = follow();
    const waits: number[] = [];
    for (let failure = 0; failure < 12; failure += 1) {
      await fail('refused');
      const before = clock.now();
      const tried = requests.length;
      while (requests.length === tried) await clock.advance(10);
      waits.push(clock.now() - before);
    }
    expect(waits[0]).toBeLessThanOrEqual(110);
    expect(waits[0]).toBeGreaterThanOrEqual(50);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3_010);
    expect(Math.min(...waits.slice(-5))).toBeGreaterThanOrEqual(1_500);
  });

  it('is not retried once the resolution is closed', async () => {
    const { fail, clock, requests, resolving } = follow();
    await fail('refused');
    resolving.close();
    await clock.advance(60_000);
    expect(requests).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('is aborted if nothing arrives for 15 s, and kept if progress marks arrive', async () => {
    const { event, clock, requests, failures } = follow();
    await event({ position: at(1n), event: snapshot(['a']) });
    for (let mark = 0; mark < 6; mark += 1) {
      await clock.advance(14_000);
      await event({ position: at(1n), event: progress });
    }
    expect(requests).toHaveLength(1);
    await clock.advance(15_000);
    expect(failures).toEqual(['nothing received within 15000 ms']);
    await clock.advance(200);
    expect(requests).toHaveLength(2);
  });

  it('ends with its resolver, without a log line', async () => {
    const { event, clock, resolver, failures, said } = follow();
    await event({ position: at(1n), event: snapshot(['a']) });
    resolver.close();
    await settled();
    expect(failures).toEqual([]);
    expect(said()).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
