import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Attributes, createNoopMeter } from '@opentelemetry/api';
import {
  Moved,
  MoverServiceDefinition,
  SpectatorServiceDefinition,
  Touched,
} from '@rondo/contracts/rondo/conformance/v1/topics';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { createTestChannel, failureOf, ManualClock } from '@rondo/rpc/testing';
import { eventually } from '../../jobs/test/fixture.js';
import type { EphemeralTopicsOptions } from '../src/ephemeral.js';
import { createEphemeralTopics } from '../src/exports/index.js';

const OWN = { topics: [Touched], services: [MoverServiceDefinition], subscribers: [SpectatorServiceDefinition] };
/** More than an instance has in flight. */
const MANY = 96;
const AT_ONCE = 8;

let closers: (() => unknown)[];
let lost: Attributes[];
let warnings: object[];
/** It stands still, so that no call ends by its timeout on a busy machine. */
let clock: ManualClock;

beforeEach(() => {
  closers = [];
  lost = [];
  warnings = [];
  clock = new ManualClock();
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
});

/** An instance over a socket that subscribes. While `held` is pending it answers no event. */
async function spectator(held: Promise<void> = Promise.resolve()) {
  const seen: string[] = [];
  const service = implement(SpectatorServiceDefinition, {
    async see({ piece }) {
      seen.push(piece);
      await held;
      return {};
    },
  });
  const server = await serve(createRouter({ services: [service] }), { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  return { seen, server, address: server.address };
}

function channelTo(instances: readonly { readonly address: string }[]): Channel {
  const channel = createChannel({ resolver: staticResolver(instances.map(({ address }) => address)), clock });
  closers.push(() => channel.close());
  return channel;
}

function publisherTo(
  instances: readonly { readonly address: string }[],
  options: Partial<EphemeralTopicsOptions> = {},
) {
  const add = (_: number, attributes?: Attributes) => void lost.push(attributes ?? {});
  const meter = Object.assign(createNoopMeter(), { createCounter: () => ({ add }) });
  const log: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) };
  return createEphemeralTopics({ ...OWN, channel: channelTo(instances), log, meter, ...options });
}

const gate = () => {
  let open = () => {};
  const held = new Promise<void>((resolve) => (open = resolve));
  closers.push(open);
  return { held, open };
};
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const byNumber = (pieces: readonly string[]) => pieces.toSorted((a, b) => Number(a) - Number(b));

describe('an ephemeral event', () => {
  it('reaches each instance once', async () => {
    const instances = [await spectator(), await spectator(), await spectator()];
    const { publish } = publisherTo(instances);
    for (const piece of numbers(3)) {
      await publish(Touched, { piece });
      await eventually(() => {
        for (const { seen } of instances) expect(seen).toEqual(numbers(Number(piece) + 1));
      });
    }
    expect(lost).toEqual([]);
  });

  it('waits for no instance that is down or slow', async () => {
    const { held } = gate();
    const [down, slow, well] = [await spectator(), await spectator(held), await spectator()];
    await down.server.drain(0);
    const { publish } = publisherTo([down, slow, well]);
    for (const piece of numbers(10)) await publish(Touched, { piece });
    await eventually(() => {
      expect(byNumber(well.seen)).toEqual(numbers(10));
      expect(lost).toHaveLength(10);
    });
    const reason = { 'rondo.topic': 'rondo.conformance.v1.Touched', 'rondo.reason': 'UNAVAILABLE' };
    expect(lost).toEqual(Array(10).fill(reason));
    expect(warnings).toMatchObject([{ topic: 'rondo.conformance.v1.Touched', instance: down.address }]);
  });

  it('is lost to an instance that has 64 in flight, to no other, until it answers', async () => {
    const { held, open } = gate();
    const [slow, well] = [await spectator(held), await spectator()];
    const { publish } = publisherTo([slow, well]);
    for (let count = 0; count < MANY; count += AT_ONCE) {
      for (const piece of numbers(MANY).slice(count, count + AT_ONCE)) await publish(Touched, { piece });
      await eventually(() => expect(byNumber(well.seen)).toEqual(numbers(count + AT_ONCE)));
    }
    await eventually(() => expect(slow.seen).toHaveLength(64));
    expect(lost).toHaveLength(MANY - 64);
    expect(lost[0]).toMatchObject({ 'rondo.reason': 'IN_FLIGHT' });
    expect(warnings).toHaveLength(1);
    open();
    await eventually(async () => {
      await publish(Touched, { piece: 'last' });
      expect(slow.seen).toContain('last');
    });
  });

  it('outlives the call in whose handler it is published, also if that is cancelled', async () => {
    const { held, open } = gate();
    const slow = await spectator(held);
    const { publish } = publisherTo([slow]);
    const ended = gate();
    const mover = implement(MoverServiceDefinition, {
      async move(_, { signal }) {
        signal.addEventListener('abort', ended.open);
        await publish(Touched, { piece: 'king' });
        await ended.held;
        return {};
      },
    });
    const server = await serve(createRouter({ services: [mover] }), { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const caller = new AbortController();
    const client = createClient(MoverServiceDefinition, { channel: channelTo([server]) });
    const moved = failureOf(client.move({}, { signal: caller.signal }));
    await eventually(() => expect(slow.seen).toEqual(['king']));
    caller.abort();
    await moved;
    await ended.held;
    open();
    await publish(Touched, { piece: 'queen' });
    await eventually(() => expect(slow.seen).toEqual(['king', 'queen']));
    expect(lost).toEqual([]);
  });
});

describe('what may not be published', () => {
  const channel = createTestChannel({ services: [] });

  it.each([
    [{ topics: [Moved] }, 'rondo.conformance.v1.Moved has a retention, so that its events are stored: publish it by'],
    [{ services: [] }, "this process doesn't serve that"],
    [{ subscribers: [] }, 'no contract in `subscribers` has a method that subscribes to it'],
  ])('is refused at the start: %#', (change, text) => {
    expect(() => publisherTo([], { channel, ...change })).toThrow(text);
  });

  it('is what is too large, or none of its topics', async () => {
    const { publish } = publisherTo([], { channel });
    await expect(publish(Moved, {})).rejects.toThrow("is none of this service's topics");
    await expect(publish(Touched, { piece: 'x'.repeat(300_000) })).rejects.toThrow('at most 256 KiB');
  });
});
