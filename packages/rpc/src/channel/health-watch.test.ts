import { describe, expect, it } from '@jest/globals';
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { resolution } from '../../test/support/endpoints.js';
import { emptyReply } from '../../test/support/fake-transport.js';
import { makePool } from '../../test/support/pool.js';
import type { Reply } from '../call/call.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import { HEALTH_SERVICE } from './health-watch.js';

type Step = () => IteratorResult<Uint8Array>;

/** A stream of words that a test says. */
class Words {
  readonly wire: WireCall;
  readonly #waiting: ((step: Step) => void)[] = [];
  readonly #said: Step[] = [];

  constructor(wire: WireCall) {
    this.wire = wire;
    wire.context.onEnd(() => this.fail(Status.CANCELLED));
  }

  say(status: ServingStatus): void {
    this.sayBytes(HealthCheckResponse.encode({ status }).finish());
  }

  sayBytes(value: Uint8Array): void {
    this.#put(() => ({ done: false, value }));
  }

  end(): void {
    this.#put(() => ({ done: true, value: undefined }));
  }

  fail(code: Status): void {
    this.#put(() => {
      throw new RpcError(code, 'as told');
    });
  }

  get reply(): Reply<Uint8Array> {
    const next = async () => {
      const step = this.#said.shift() ?? (await new Promise<Step>((resolve) => this.#waiting.push(resolve)));
      return step();
    };
    return { ...emptyReply, response: { stream: true, messages: { [Symbol.asyncIterator]: () => ({ next }) } } };
  }

  #put(step: Step): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#said.push(step);
    else waiting(step);
  }
}

/** No message: a field that ends before it begins. */
const RUBBISH = Uint8Array.of(0x0a, 0x7f);

/** Two instances of a service, of which the first tells of its health. */
function start({ service = 's.S', refused }: { service?: string; refused?: Status } = {}) {
  const made = makePool({ byHand: true, service, healthCheck: true });
  made.pool.onResolution(resolution('a', 'b'));
  const streams: Words[] = [];
  made.at('a:1').call = async (wire) => {
    const words = new Words(wire);
    streams.push(words);
    if (refused !== undefined) throw new RpcError(refused, 'as told');
    return words.reply;
  };
  made.at('b:1').call = () => Promise.reject(new RpcError(Status.UNIMPLEMENTED, 'as told'));
  for (const name of ['a:1', 'b:1']) made.at(name).move('ready');
  const settled = () => made.clock.advance(0);
  const last = () => {
    const words = streams.at(-1);
    if (words === undefined) throw new Error('health is not watched');
    return words;
  };
  const say = async (status: ServingStatus) => {
    last().say(status);
    await settled();
  };
  const sayBytes = async (bytes: Uint8Array) => {
    last().sayBytes(bytes);
    await settled();
  };
  return { ...made, streams, last, say, sayBytes, settled };
}

describe('an instance whose health is watched', () => {
  it('is asked for the service by one stream without a deadline, which keeps no process alive', async () => {
    const { streams, last, settled } = start();
    await settled();
    expect(streams).toHaveLength(1);
    const { path, request, deadline, background } = last().wire;
    expect({ path, deadline, background }).toEqual({
      path: '/grpc.health.v1.Health/Watch',
      deadline: undefined,
      background: true,
    });
    if (request.stream) throw new Error('one request was expected');
    expect(HealthCheckRequest.decode(request.message)).toEqual({ service: 's.S' });
  });

  it('is called until it says otherwise, and by its last word from then on', async () => {
    const { say, share, subchannel } = start();
    expect(share(4)).toEqual({ a: 2, b: 2 });
    await say(ServingStatus.NOT_SERVING);
    expect(share(4)).toEqual({ b: 4 });
    expect(subchannel('a').whyUnavailable()).toBe('not serving (health)');
    await say(ServingStatus.SERVING);
    expect(share(4)).toEqual({ a: 2, b: 2 });
    expect(subchannel('a').whyUnavailable()).toBeUndefined();
  });

  it.each([
    ['SERVICE_UNKNOWN', ServingStatus.SERVICE_UNKNOWN],
    ['UNKNOWN', ServingStatus.UNKNOWN],
    ['an unknown status', 77 as ServingStatus],
  ])('is called where it says %s: that it does not serve is said otherwise', async (_, status) => {
    const { say, share, streams, clock } = start();
    await say(status);
    expect(share(4)).toEqual({ a: 2, b: 2 });
    await say(ServingStatus.NOT_SERVING);
    expect(share(4)).toEqual({ b: 4 });
    await say(status);
    expect(share(4)).toEqual({ a: 2, b: 2 });
    await clock.advance(60_000);
    expect(streams).toHaveLength(1);
  });

  it('that sends rubbish is called by its last word, and asked again after waits that grow', async () => {
    const { say, sayBytes, streams, share, clock } = start();
    await say(ServingStatus.NOT_SERVING);
    await sayBytes(RUBBISH);
    for (let second = 1; second <= 20; second += 1) {
      const before = streams.length;
      await clock.advance(1_000);
      if (streams.length > before) await sayBytes(RUBBISH);
    }
    expect(streams).toHaveLength(5);
    for (const { wire } of streams) expect(wire.context.reason?.code).toBe(Status.CANCELLED);
    expect(share(4)).toEqual({ b: 4 });
  });

  it('that changes its mind without end is heard twenty times, and asked again later: its last word stands', async () => {
    const { last, streams, share, settled, clock } = start();
    await settled();
    const { wire } = last();
    const words = [ServingStatus.SERVING, ServingStatus.NOT_SERVING];
    for (let word = 0; word < 21; word += 1) last().say(words[word % 2] ?? ServingStatus.UNKNOWN);
    await settled();
    expect(wire.context.reason?.code).toBe(Status.CANCELLED);
    expect(share(4)).toEqual({ b: 4 });
    await clock.advance(1_000);
    expect(streams).toHaveLength(2);
  });

  it('may say as much as it likes over time', async () => {
    const { say, streams, last, share, clock } = start();
    await say(ServingStatus.SERVING);
    for (let second = 0; second < 10; second += 1) {
      for (let word = 0; word < 18; word += 1) await say(ServingStatus.NOT_SERVING);
      await clock.advance(1_000);
    }
    expect(streams).toHaveLength(1);
    expect(last().wire.context.reason).toBeUndefined();
    expect(share(4)).toEqual({ b: 4 });
  });

  it('is asked again while its connection stands, after waits that grow; its word stands meanwhile', async () => {
    const { say, streams, last, share, clock, settled } = start();
    await say(ServingStatus.NOT_SERVING);
    const begun: number[] = [];
    last().fail(Status.UNAVAILABLE);
    for (let second = 1; second <= 20; second += 1) {
      const before = streams.length;
      await clock.advance(1_000);
      if (streams.length > before) {
        begun.push(second);
        last().end();
      }
      expect(share(4)).toEqual({ b: 4 });
    }
    expect(begun).toHaveLength(4);
    await settled();
    await clock.advance(60_000);
    await say(ServingStatus.SERVING);
    expect(share(4)).toEqual({ a: 2, b: 2 });
  });

  it('has its word forgotten with its connection, and is asked anew over the next', async () => {
    const { say, streams, at, share, clock } = start();
    await say(ServingStatus.NOT_SERVING);
    const [first] = streams;
    at('a:1').move('connecting');
    expect(first?.wire.context.reason?.code).toBe(Status.CANCELLED);
    at('a:1').move('ready');
    expect(share(4)).toEqual({ a: 2, b: 2 });
    await clock.advance(60_000);
    expect(streams).toHaveLength(2);
    await say(ServingStatus.NOT_SERVING);
    expect(share(4)).toEqual({ b: 4 });
  });

  it('that has no health service serves, and is not asked again', async () => {
    const { streams, share, clock } = start({ refused: Status.UNIMPLEMENTED });
    await clock.advance(600_000);
    expect(streams).toHaveLength(1);
    expect(share(4)).toEqual({ a: 2, b: 2 });
  });

  it('leaves neither stream nor timer behind when it goes, or its channel does', async () => {
    const { pool, last, settled, clock, streams } = start();
    await settled();
    pool.onResolution({ ...resolution('b'), departed: ['a'] });
    expect(last().wire.context.reason?.code).toBe(Status.CANCELLED);
    await settled();
    expect(clock.timers).toBe(0);
    const failing = start({ refused: Status.UNAVAILABLE });
    await failing.settled();
    expect(failing.clock.timers).toBe(1);
    failing.pool.close();
    expect(failing.clock.timers).toBe(0);
    expect(streams).toHaveLength(1);
  });

  it('is not asked for the health of health', async () => {
    const { streams, settled } = start({ service: HEALTH_SERVICE });
    await settled();
    expect(streams).toEqual([]);
  });
});
