import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Attributes, createNoopMeter } from '@opentelemetry/api';
import { BoardServiceDefinition, GameServiceDefinition, PlayerMoved } from '@rondo/contracts/rondo/conformance/v1/game';
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
let replaced: Attributes[];
let warnings: object[];
/** It stands still, so that no call ends by its timeout on a busy machine. */
let clock: ManualClock;

beforeEach(() => {
  closers = [];
  lost = [];
  replaced = [];
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
  const counterTo = (counted: Attributes[]) => ({
    add: (_: number, attributes?: Attributes) => void counted.push(attributes ?? {}),
  });
  const createCounter = (name: string) => counterTo(name === 'rondo.topics.lost' ? lost : replaced);
  const meter = Object.assign(createNoopMeter(), { createCounter });
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

/** A replica of the game that shows players. While `held` is pending it answers no event. */
async function board(held: Promise<void> = Promise.resolve()) {
  const shown: string[] = [];
  const service = implement(BoardServiceDefinition, {
    async showPlayer({ player, place }) {
      shown.push(`${player} ${place}`);
      await held;
      return {};
    },
  });
  const server = await serve(createRouter({ services: [service] }), { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  return { shown, address: server.address };
}

const GAME = { topics: [PlayerMoved], services: [GameServiceDefinition], subscribers: [BoardServiceDefinition] };
const [PLAYERS, MOVES] = [100, 10];

describe('of a topic that keeps the latest event of each key', () => {
  it('a slow instance gets the newest of each after a burst, in order, and the earlier ones are counted', async () => {
    const { held, open } = gate();
    const slow = await board(held);
    const { publish } = publisherTo([slow], GAME);
    for (const place of numbers(MOVES))
      await Promise.all(numbers(PLAYERS).map((player) => publish(PlayerMoved, { player, place: Number(place) })));
    await eventually(() => expect(slow.shown).toHaveLength(64));
    open();
    await eventually(() => expect(slow.shown).toHaveLength(64 + PLAYERS));
    const newest = numbers(PLAYERS).map((player) => `${player} ${MOVES - 1}`);
    expect(byNumber(slow.shown.slice(0, 64))).toEqual(numbers(64).map((player) => `${player} 0`));
    expect(slow.shown.slice(64).toSorted()).toEqual(newest.toSorted());
    expect(lost).toEqual([]);
    expect(replaced).toEqual(
      Array(PLAYERS * MOVES - 64 - PLAYERS).fill({ 'rondo.topic': 'rondo.conformance.v1.PlayerMoved' }),
    );
  });

  it('an instance has one call of a key at a time, and a slow one delays no other', async () => {
    const { held, open } = gate();
    const [slow, well] = [await board(held), await board()];
    const { publish } = publisherTo([slow, well], GAME);
    for (const place of [1, 2, 3]) {
      await publish(PlayerMoved, { player: 'ada', place });
      await eventually(() => expect(well.shown.at(-1)).toBe(`ada ${place}`));
    }
    await publish(PlayerMoved, { player: 'bob', place: 1 });
    await eventually(() => expect(slow.shown).toEqual(['ada 1', 'bob 1']));
    open();
    await eventually(() => expect(slow.shown).toEqual(['ada 1', 'bob 1', 'ada 3']));
  });

  it('no more than 1,000 wait for an instance: the key is lost that waits longest', async () => {
    const { held, open } = gate();
    const slow = await board(held);
    const { publish } = publisherTo([slow], GAME);
    await Promise.all(numbers(64 + 1_010).map((player) => publish(PlayerMoved, { player })));
    expect(lost).toHaveLength(10);
    expect(lost[0]).toMatchObject({ 'rondo.reason': 'WAITING' });
    open();
    await eventually(() => expect(slow.shown).toHaveLength(1_064));
    expect(slow.shown.slice(64)).toEqual(
      numbers(1_074)
        .slice(74)
        .map((player) => `${player} 0`),
    );
  });

  it('events without a key wait for nothing', async () => {
    const slow = await board(gate().held);
    const { publish } = publisherTo([slow], GAME);
    await Promise.all(numbers(65).map(() => publish(PlayerMoved, {})));
    expect(lost).toMatchObject([{ 'rondo.reason': 'IN_FLIGHT' }]);
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
