import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { at, delta, progress, recordingListener, scriptedWatch, snapshot } from '../../test/support/scripted-watch.js';
import { registryResolver } from './registry.js';
import type { Resolver } from './resolver.js';
import type { Watch } from './watch-client.js';

const SERVICE = 'calculator.v1.CalculatorService';

let open: Resolver | undefined;
afterEach(() => open?.close());

/** A watch client of three registries; it tries r:1 first. */
function followThree() {
  const script = scriptedWatch();
  const asked: string[] = [];
  const watch: Watch = (request, options) => {
    asked.push(options.address);
    return script.watch(request, options);
  };
  const recorded = recordingListener();
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const random = { ...seededRandom(3), next: () => 0 };
  const resolver = registryResolver({ watch, addresses: ['r:1', 'r:2', 'r:3'], clock, random, logger });
  open = resolver;
  const resolving = resolver.resolve(SERVICE, recorded.listener);
  const said = () => lines.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level}: ${message}`);
  const state = () => resolving.inspect?.().state;
  return { ...script, ...recorded, clock, lines, said, asked, state, resolver };
}

describe('one of several registries that fails', () => {
  it('is replaced by the next, from the known position; the registry does not count as away', async () => {
    const { event, fail, clock, asked, requests, failures, said, lines, state } = followThree();
    await event({ position: at(7n), event: snapshot(['a']) });
    await fail('connection lost');
    await clock.advance(100);
    expect(asked).toEqual(['r:1', 'r:2']);
    expect(requests.at(-1)).toEqual({ service: SERVICE, resumeFrom: at(7n) });
    await event({ position: at(7n), event: progress });
    expect(failures).toEqual([]);
    expect(said()).toEqual(['info: another registry is watched now']);
    expect(lines.at(-1)).toMatchObject({ fields: { from: 'r:1', to: 'r:2', reason: 'connection lost' } });
    expect(state()).toBe('connected');
  });

  it('is replaced if it is silent: soon at first, and later each time, because the network may be slow', async () => {
    const { clock, asked } = followThree();
    await clock.advance(2_000);
    await clock.advance(100);
    expect(asked).toEqual(['r:1', 'r:2']);
    await clock.advance(3_800);
    expect(asked).toHaveLength(2);
    await clock.advance(300);
    expect(asked).toEqual(['r:1', 'r:2', 'r:3']);
  });

  it("is replaced if its answer is not a registry's", async () => {
    const { event, clock, asked, names } = followThree();
    await event({ event: snapshot(['ghost']) });
    await clock.advance(100);
    await event({ position: at(1n), event: snapshot(['a']) });
    expect(asked).toEqual(['r:1', 'r:2']);
    expect(names()).toEqual(['a']);
  });

  it('fails a lookup only once all have failed, with the reason of each', async () => {
    const { fail, clock, failures, said } = followThree();
    await fail('refused');
    await clock.advance(100);
    await fail('reset');
    await clock.advance(100);
    expect(failures).toEqual([]);
    await fail('no route');
    expect(failures).toEqual(['r:1: refused; r:2: reset; r:3: no route']);
    expect(said()).toEqual(['warn: the registry is away, and no instance is known']);
  });

  it('is retried soon, like all others, before longer waits begin', async () => {
    const { fail, clock, requests } = followThree();
    const waits: number[] = [];
    for (let failure = 0; failure < 7; failure += 1) {
      await fail('refused');
      const before = clock.now();
      const tried = requests.length;
      while (requests.length === tried) await clock.advance(1);
      waits.push(clock.now() - before);
    }
    expect(waits).toEqual([50, 50, 50, 100, 100, 100, 200]);
  });

  it('resets the backoff after a watch that lasted, and not after one that broke at once', async () => {
    const { event, fail, clock, requests } = followThree();
    const waitAfterFailure = async () => {
      const tried = requests.length;
      const before = clock.now();
      await fail('cut');
      while (requests.length === tried) await clock.advance(1);
      return clock.now() - before;
    };
    for (let cut = 0; cut < 3; cut += 1) await waitAfterFailure();
    await event({ position: at(1n), event: snapshot(['a']) });
    expect(await waitAfterFailure()).toBe(100);
    await event({ position: at(1n), event: progress });
    await clock.advance(5_000);
    expect(await waitAfterFailure()).toBe(50);
  });

  it('is not tried first for later services', async () => {
    const { event, fail, clock, asked, resolver } = followThree();
    await fail('refused');
    await clock.advance(100);
    await event({ position: at(1n), event: snapshot(['a']) });
    resolver.resolve('another.v1.Service', recordingListener().listener);
    expect(asked).toEqual(['r:1', 'r:2', 'r:2']);
  });
});

describe('a registry that lags behind', () => {
  /** The client knows revision 9 of r:1, whose watch broke; r:2 is at revision 5. */
  async function lagging() {
    const followed = followThree();
    await followed.event({ position: at(9n), event: snapshot(['a', 'b']) });
    await followed.fail('connection lost');
    await followed.clock.advance(100);
    await followed.event({ position: at(5n), event: snapshot(['a']) });
    return followed;
  }

  it('changes nothing, and is logged as lagging', async () => {
    const { names, state, said, lines } = await lagging();
    expect(names()).toEqual(['a', 'b']);
    expect(state()).toBe('stale');
    expect(said()).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'the registry lags behind the known instances: its answers are ignored until it has caught up',
      fields: { reason: 'r:2 is at revision 5, the known instances at 9' },
    });
  });

  it('is used once it has caught up: older events are ignored', async () => {
    const { event, names, resolutions, state, said, asked } = await lagging();
    await event({ position: at(8n), event: delta(['ghost']) });
    expect(resolutions).toHaveLength(1);
    await event({ position: at(11n), event: delta(['c']) });
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(state()).toBe('connected');
    expect(said().slice(1)).toEqual(['info: another registry is watched now', 'info: the registry has caught up']);
    expect(asked).toEqual(['r:1', 'r:2']);
  });

  it('is replaced by another if it does not catch up', async () => {
    const { event, clock, asked, requests } = await lagging();
    await clock.advance(4_000);
    await event({ position: at(5n), event: progress });
    expect(asked).toHaveLength(2);
    await clock.advance(1_100);
    expect(asked).toEqual(['r:1', 'r:2', 'r:3']);
    expect(requests.at(-1)).toEqual({ service: SERVICE, resumeFrom: at(9n) });
  });

  it('is used if there is no other, because its data is all there is', async () => {
    const { event, fail, clock, names, requests } = await lagging();
    await clock.advance(5_100);
    await fail('refused');
    await clock.advance(100);
    await fail('refused');
    await clock.advance(300);
    expect(requests.at(-1)).toEqual({ service: SERVICE });
    await event({ position: at(5n), event: snapshot(['a']) });
    expect(names()).toEqual(['a']);
  });
});

describe('registries that do not share a store', () => {
  it('are each watched for as long as they last, so nothing flaps, and it is logged once', async () => {
    const { event, fail, clock, names, said } = followThree();
    const SPLIT = expect.stringMatching(/^warn: the registries listed don't share a store/);
    const move = async () => {
      await fail('connection lost');
      await clock.advance(300);
    };
    await event({ position: at(9n, 100n), event: snapshot(['a']) });
    await move();
    await event({ position: at(2n, 200n), event: snapshot(['b']) });
    expect(names()).toEqual(['b']);
    expect(said()).not.toContainEqual(SPLIT);
    await move();
    await event({ position: at(9n, 100n), event: snapshot(['a']) });
    await move();
    await event({ position: at(3n, 200n), event: snapshot(['b']) });
    expect(names()).toEqual(['b']);
    expect(said().filter((line) => line.includes('share a store'))).toEqual([SPLIT]);
  });

  it('do not include one registry that restarts again and again', async () => {
    const { event, said } = followThree();
    for (const epoch of [1n, 2n, 3n]) await event({ position: at(1n, epoch), event: snapshot(['a']) });
    expect(said()).toEqual([]);
  });
});

it('a list without a registry is refused', () => {
  const { watch } = scriptedWatch();
  const make = () => registryResolver({ watch, addresses: [], clock: new ManualClock(), random: seededRandom(1) });
  expect(make).toThrow('a registry resolver needs the address of at least one registry');
});
