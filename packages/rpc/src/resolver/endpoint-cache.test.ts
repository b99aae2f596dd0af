import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { endpoints } from '../../test/support/endpoints.js';
import { memoryStorage } from '../../test/support/memory-storage.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import {
  at,
  instances,
  progress,
  recordingListener,
  scriptedWatch,
  settled,
  snapshot,
} from '../../test/support/scripted-watch.js';
import { deferred } from '../../test/support/wait.js';
import { formatSaved } from './endpoint-storage.js';
import { registryResolver } from './registry.js';
import type { Resolver } from './resolver.js';

const SERVICE = 'calculator.v1.CalculatorService';
const FILE = `${SERVICE}.json`;
const REGISTRY = ['r:1', 'r:2'];

const open: Resolver[] = [];
afterEach(() => {
  for (const resolver of open.splice(0)) resolver.close();
});

/** A process that starts with the contents of `storage`. */
function start(storage = memoryStorage(), addresses: readonly string[] = REGISTRY) {
  const script = scriptedWatch();
  const recorded = recordingListener();
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const random = seededRandom(3);
  const resolver = registryResolver({
    watch: script.watch,
    addresses,
    random,
    logger,
    storage,
    clock,
    wallClock: clock.wall,
  });
  open.push(resolver);
  const resolving = resolver.resolve(SERVICE, recorded.listener);
  const said = () => lines.filter(({ level }) => level !== 'debug');
  return { ...script, ...recorded, clock, said, storage, resolver, state: () => resolving.inspect?.().state };
}

/** The contents that a process saved, which knew `names` an hour before the others start. */
function leftBy(names: readonly string[], registry = REGISTRY) {
  const savedAtMs = new ManualClock().now() - 3_600_000;
  return memoryStorage({ [FILE]: formatSaved(endpoints(...names), { service: SERVICE, registry, savedAtMs }) });
}

const LEFT_ASIDE = "the last known instances can't be used; they are saved again once the registry answers";

describe('the list of the registry', () => {
  it('is saved a second later, once for changes that come together', async () => {
    const { event, clock, storage } = start();
    clock.wall.set(new Date('2027-03-04T05:06:07Z'));
    await event({ position: at(1n), event: snapshot(['a']) });
    await event({ position: at(2n), event: snapshot(['a', 'b']) });
    await clock.advance(999);
    expect(storage.writes).toBe(0);
    await clock.advance(1);
    expect(storage.writes).toBe(1);
    const text = storage.texts.get(FILE) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      format: 'rondo-last-known',
      version: 2,
      service: SERVICE,
      registry: REGISTRY,
      // By the wall clock, as another process reads it.
      savedAt: '2027-03-04T05:06:08.000Z',
      endpoints: [
        { instanceId: 'a', address: 'a:1', standing: 'serving' },
        { instanceId: 'b', address: 'b:1' },
      ],
    });
  });

  it('is saved without starting and draining instances', async () => {
    const { event, clock, storage } = start();
    const [a, b] = instances('a', 'b');
    const draining = { ...b, status: InstanceStatus.INSTANCE_STATUS_DRAINING };
    await event({ position: at(1n), event: { $case: 'snapshot', value: { instances: [a ?? {}, draining] } } });
    await clock.advance(1_000);
    expect(JSON.parse(storage.texts.get(FILE) ?? '').endpoints).toHaveLength(1);
  });

  it('is not saved if it is empty', async () => {
    const { event, clock, storage } = start();
    await event({ position: at(1n), event: snapshot(['a']) });
    await clock.advance(1_000);
    await event({ position: at(2n), event: snapshot([]) });
    await clock.advance(5_000);
    expect(storage.writes).toBe(1);
  });

  it('is kept again every ten minutes while nothing changes, as its age is told', async () => {
    const { event, clock, storage } = start();
    await event({ position: at(1n), event: snapshot(['a']) });
    for (let mark = 0; mark < 121; mark += 1) {
      await clock.advance(5_000);
      await event({ position: at(1n), event: progress });
    }
    await clock.advance(1_000);
    expect(storage.writes).toBe(2);
  });

  it('is kept at once when its resolver closes, and nothing is left to do', async () => {
    const { event, storage, resolver, clock } = start();
    await event({ position: at(1n), event: snapshot(['a']) });
    resolver.close();
    await settled();
    expect(storage.writes).toBe(1);
    expect(clock.timers).toBe(0);
  });

  it('is saved with a thousand instances at most', async () => {
    const { event, clock, storage } = start();
    const names = Array.from({ length: 1_500 }, (_, index) => `i${index}`);
    await event({ position: at(1n), event: snapshot(names) });
    await clock.advance(1_000);
    expect(JSON.parse(storage.texts.get(FILE) ?? '').endpoints).toHaveLength(1_000);
  });

  it('is logged once if it cannot be saved, until that works again', async () => {
    const { event, clock, storage, said, names } = start();
    storage.fault = new Error('no space left on device');
    for (const revision of [1n, 2n]) {
      await event({ position: at(revision), event: snapshot(['a', `b${revision}`]) });
      await clock.advance(1_000);
    }
    expect(storage.writes).toBe(2);
    expect(names()).toEqual(['a', 'b2']);
    expect(said()).toMatchObject([
      { level: 'warn', fields: { file: `memory/${FILE}`, reason: 'no space left on device' } },
    ]);
  });
});

describe('a process that starts while the registry is away', () => {
  it('uses the saved instances once every address has failed, and logs it', async () => {
    const { fail, clock, names, failures, said, state } = start(leftBy(['a', 'b']));
    await fail('refused');
    expect(names()).toBeUndefined();
    await clock.advance(100);
    await fail('refused');
    expect(names()).toEqual(['a', 'b']);
    expect(failures).toHaveLength(1);
    expect(state()).toBe('last_known');
    expect(said()).toMatchObject([
      {
        level: 'warn',
        message: 'the registry is away: calls go to the instances that an earlier process saved',
        fields: { target: SERVICE, known: 2, ageMs: expect.any(Number) },
      },
    ]);
    const [{ fields } = { fields: {} }] = said();
    expect('ageMs' in fields && Number(fields.ageMs)).toBeGreaterThanOrEqual(3_600_000);
    await clock.advance(5_000);
    expect(said()).toHaveLength(1);
  });

  it('uses them after half a second without an answer', async () => {
    const { clock, names } = start(leftBy(['a']));
    await clock.advance(499);
    expect(names()).toBeUndefined();
    await clock.advance(1);
    expect(names()).toEqual(['a']);
  });

  it('replaces them by the answer when it comes', async () => {
    const { event, clock, names, state, said } = start(leftBy(['a', 'gone']));
    await clock.advance(500);
    await event({ position: at(1n), event: snapshot(['a', 'b']) });
    expect(names()).toEqual(['a', 'b']);
    expect(state()).toBe('connected');
    expect(said().at(-1)).toMatchObject({ message: 'the registry is back' });
  });

  it('does not wait for a storage that hangs', async () => {
    const storage = { ...memoryStorage(), read: () => new Promise<never>(() => undefined) };
    const { fail, clock, failures, said } = start(storage, ['r:1']);
    await fail('refused');
    await clock.advance(500);
    expect(failures).toEqual(['refused']);
    expect(said()[0]).toMatchObject({ fields: { reason: "it couldn't be read within 500 ms" } });
  });

  it('uses the saved instances of a slow storage when they come, unless the registry has answered', async () => {
    for (const answered of [false, true]) {
      const whole = leftBy(['a']);
      const read = deferred<string | undefined>();
      const { event, fail, clock, failures, names } = start({ ...whole, read: () => read.promise }, ['r:1']);
      await fail('refused');
      await clock.advance(500);
      expect([failures, names()]).toEqual([['refused'], undefined]);
      await clock.advance(100);
      if (answered) await event({ position: at(1n), event: snapshot(['b']) });
      read.resolve(await whole.read(FILE));
      await settled();
      expect(names()).toEqual(answered ? ['b'] : ['a']);
    }
  });
});

describe('a process that starts while the registry is there', () => {
  it('reads nothing', async () => {
    const { event, clock, storage, names } = start(leftBy(['gone']));
    await event({ position: at(1n), event: snapshot(['a']) });
    await clock.advance(60_000);
    expect(storage.reads).toBe(0);
    expect(names()).toEqual(['a']);
  });

  it('uses the saved instances while a restarted registry warms up', async () => {
    const { event, names, pending, state } = start(leftBy(['a', 'gone']));
    await event({ position: at(1n), warming: true, event: snapshot([]) });
    await settled();
    expect(pending()).toBe(1);
    expect(names()).toEqual(['a', 'gone']);
    expect(state()).toBe('warming');
    await event({ position: at(3n), event: snapshot(['a', 'b']) });
    expect(names()).toEqual(['a', 'b']);
  });
});

it('removes saved instances if the registry warmed up while no client watched', async () => {
  const { event, fail, clock, names } = start(leftBy(['a', 'gone']), ['r:1']);
  await event({ position: at(1n), warming: true, event: snapshot(['a']) });
  await settled();
  expect(names()).toEqual(['a', 'gone']);
  await fail('connection lost');
  await clock.advance(200);
  await event({ position: at(1n), event: progress });
  expect(names()).toEqual(['a']);
});

describe('an invalid file', () => {
  const good = JSON.parse(leftBy(['a']).texts.get(FILE) ?? '');
  const changed = (fields: object) => JSON.stringify({ ...good, ...fields });

  it.each([
    ['cut off', JSON.stringify(good).slice(0, -9), 'the file is damaged: it is no JSON'],
    ['empty', '', 'the file is damaged: it is no JSON'],
    ['no object', '[]', 'the file is damaged: it is no JSON object'],
    ["another program's", '{}', 'the file is none of last known instances'],
    ['of an earlier version', changed({ version: 1 }), 'the file is of version 1, not 2'],
    ['of another service', changed({ service: 'x.Y' }), 'the file is of x.Y'],
    ['of another registry', changed({ registry: ['q:1'] }), 'the file is of another registry, at q:1'],
    ['without its time', changed({ savedAt: 'then' }), "the file is damaged: savedAt isn't what it should be"],
    [
      'of no instances',
      changed({ endpoints: [{ instanceId: 'a' }] }),
      "the file is damaged: endpoints isn't what it should be",
    ],
    [
      'at no address',
      changed({ endpoints: [{ ...good.endpoints[0], address: 'dns:///x' }] }),
      "the file is damaged: endpoints isn't what it should be",
    ],
    ['huge', changed({ more: 'x'.repeat(1024 * 1024) }), 'it is larger than 1048576 characters'],
  ])('%s, is ignored with one warning', async (_name, text, reason) => {
    const { fail, clock, failures, resolutions, said } = start(memoryStorage({ [FILE]: text }), ['r:1']);
    await fail('refused');
    await clock.advance(5_000);
    expect(resolutions).toEqual([]);
    expect(failures).toEqual(['refused']);
    expect(said()).toMatchObject([
      { level: 'warn', message: LEFT_ASIDE, fields: { file: `memory/${FILE}`, reason } },
      { message: 'the registry is away, and no instance is known' },
    ]);
  });

  it('is valid for a registry that has moved or grown', async () => {
    const { clock, names } = start(leftBy(['a'], ['r:9', 'r:2']));
    await clock.advance(500);
    expect(names()).toEqual(['a']);
  });
});
