import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CalculatorServiceDefinition,
  EvaluateBatchRequest,
  EvaluateBatchResponse,
  EvaluatePartRequest,
  RoundingMode,
} from '@rondo/contracts/calculator/v1/calculator';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { CallContext, raw } from '@rondo/rpc/call';
import { type CallOptions, type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status, unpackDetail } from '@rondo/rpc/status';
import { createMemoryNetwork } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';
import { createYieldingLoop, evaluatePart } from '../src/batch/evaluate-part.js';

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A client that sends bytes, for requests that no generated code writes. */
const RawDefinition = {
  ...CalculatorServiceDefinition,
  methods: { evaluateBatch: raw(CalculatorServiceDefinition.methods.evaluateBatch) },
} as const;

/** Starts calculators that know the `registered` ones among them, and a client of the first. */
function start(names: readonly string[], { registered = names, clock = systemClock } = {}) {
  const network = createMemoryNetwork();
  const open = (addresses: readonly string[]) => {
    const channel = createChannel({ resolver: staticResolver(addresses), transport: network.transport });
    channels.push(channel);
    return channel;
  };
  const listeners = new Map<string, { close(): void }>();
  for (const name of names) {
    const { services } = createApp({ channel: open(registered), instanceId: name, clock });
    listeners.set(name, network.listen(name, createRouter({ services, instanceId: name, clock })));
  }
  const client = createClient(CalculatorServiceDefinition, { channel: open(names.slice(0, 1)) });
  const evaluate = async (request: Partial<EvaluateBatchRequest>, options?: CallOptions) => {
    const parts: EvaluateBatchResponse[] = [];
    for await (const part of client.evaluateBatch(request, options)) parts.push(part);
    return { parts, results: parts.flatMap(({ results }) => results) };
  };
  const raw = createClient(RawDefinition, { channel: open(names.slice(0, 1)) });
  const evaluateBytes = async (...pieces: readonly Uint8Array[]) => {
    const parts: EvaluateBatchResponse[] = [];
    for await (const part of raw.evaluateBatch(Buffer.concat(pieces))) parts.push(EvaluateBatchResponse.decode(part));
    return { results: parts.flatMap(({ results }) => results), errors: parts.flatMap(({ errors }) => errors) };
  };
  return { client, evaluate, evaluateBytes, kill: (name: string) => listeners.get(name)?.close() };
}

const squares = (count: number) => Array.from({ length: count }, (_, index) => `${index} * ${index}`);
const squared = (count: number) => Array.from({ length: count }, (_, index) => String(index * index));

describe('EvaluateBatch', () => {
  it('is evaluated by all calculators, in order, and names the instance of each part', async () => {
    const { evaluate } = start(['one', 'two', 'three']);
    const { parts, results } = await evaluate({ expressions: squares(5_000) });
    expect(results).toEqual(squared(5_000));
    expect(new Set(parts.map(({ instance }) => instance))).toEqual(new Set(['one', 'two', 'three']));
    const firsts = parts.map((_, at) => parts.slice(0, at).reduce((sum, part) => sum + part.results.length, 0));
    expect(parts.map(({ firstIndex }) => firstIndex)).toEqual(firsts);
  });

  it('is complete even if a calculator dies in the middle', async () => {
    const { client, kill } = start(['one', 'two', 'three']);
    const results: string[] = [];
    const instances: string[] = [];
    for await (const part of client.evaluateBatch({ expressions: squares(20_000) })) {
      if (results.length === 0) kill('two');
      results.push(...part.results);
      instances.push(part.instance);
    }
    expect(results).toEqual(squared(20_000));
    expect(instances.slice(-6)).not.toContain('two');
  });

  it.each([
    ['no calculator is registered', []],
    ['no other calculator can be reached', ['gone']],
  ])('is evaluated by the called instance if %s', async (_, registered) => {
    const { evaluate } = start(['one'], { registered });
    const { parts, results } = await evaluate({ expressions: squares(300) });
    expect(results).toEqual(squared(300));
    expect(parts.map(({ instance }) => instance)).toEqual(['one', 'one', 'one']);
  });

  it('rounds all results alike', async () => {
    const { evaluate } = start(['one']);
    const { results } = await evaluate({ expressions: ['1/3', '2/3', '-1/8'], scale: 2 });
    expect(results).toEqual(['0.33', '0.67', '-0.12']);
  });

  it('reports which expression is wrong and why; the others have their results', async () => {
    const { evaluate } = start(['one', 'two']);
    const expressions = squares(500)
      .with(321, '12 + * 3')
      .with(400, `1${'0'.repeat(70_000)}`);
    const { parts, results } = await evaluate({ expressions });
    expect(results).toEqual(squared(500).with(321, '').with(400, ''));
    const errors = parts.flatMap((part) => part.errors);
    expect(errors.map(({ index, status }) => [index, status?.code])).toEqual([
      [321, Status.INVALID_ARGUMENT],
      [400, Status.INVALID_ARGUMENT],
    ]);
    const [first] = errors;
    expect(first?.status?.message).toMatch(/^expressions\[321\]: column 6: expected a number/);
    const detail = unpackDetail(first?.status?.details ?? [], BadRequest);
    expect(detail?.fieldViolations).toMatchObject([{ field: 'expressions[321]' }]);
  });

  it('has no parts if there are no expressions', async () => {
    expect(await start(['one']).evaluate({})).toEqual({ parts: [], results: [] });
  });

  it('is refused if it is too large or invalid, with all violations at once', async () => {
    const { evaluate } = start(['one']);
    await expect(evaluate({ expressions: Array(100_001).fill('1'), scale: 31 })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message:
        'expressions: must be at most 100000, are 100001; send them in several batches; scale: must be 0 to 30, is 31',
    });
  });
});

describe('a batch as bytes', () => {
  const encoded = (batch: Partial<EvaluateBatchRequest>) =>
    EvaluateBatchRequest.encode(EvaluateBatchRequest.fromPartial(batch)).finish();
  /** Field 3 with the value 0, which no generated code writes. */
  const unspecified = Uint8Array.of(0x18, 0);

  it('uses the last value of a repeated format field, wherever it is', async () => {
    const { evaluateBytes } = start(['one', 'two']);
    const first = encoded({ expressions: Array(150).fill('5/8'), scale: 0, rounding: RoundingMode.ROUNDING_MODE_DOWN });
    const second = encoded({ expressions: Array(150).fill('7/8'), scale: 2 });
    const { results } = await evaluateBytes(first, second, unspecified);
    expect(results).toEqual([...Array(150).fill('0.62'), ...Array(150).fill('0.88')]);
  });

  it('may contain fields of a newer contract, even between expressions', async () => {
    const { evaluateBytes } = start(['one']);
    const newer = Uint8Array.of(0x7a, 2, 1, 2, 0x78, 7, 0x7b, 0x78, 1, 0x7c); // field 15: bytes, number, group
    const one = encoded({ expressions: ['1 + 1'] });
    expect((await evaluateBytes(newer, one, newer, one, newer)).results).toEqual(['2', '2']);
  });

  it('that is not UTF-8 fails for that expression, by its position in the batch', async () => {
    const { evaluateBytes } = start(['one']);
    const { results, errors } = await evaluateBytes(
      encoded({ expressions: squares(200) }),
      Uint8Array.of(0x0a, 1, 0xff),
    );
    expect(results).toEqual([...squared(200), '']);
    expect(errors.map(({ status }) => status?.message)).toEqual([
      expect.stringMatching(/^expressions\[200\]: column 1: found .*U\+FFFD/),
    ]);
  });

  it.each([
    ['ends within an expression', [0x0a, 5, 0x31], "after 1 of them the request can't be parsed (premature EOF)"],
    ['ends within a length', [0x0a, 0xff], "after 1 of them the request can't be parsed"],
    ['has expressions that are numbers', [0x08, 1], 'expressions: must have wire type 2, has 0'],
    ['has a scale that is a text', [0x12, 1, 0x31], 'scale: must have wire type 0, has 2'],
    ['has a rounding that is a double', [0x19, 0, 0, 0, 0, 0, 0, 0, 0], 'rounding: must have wire type 0, has 1'],
  ])('is refused if it %s', async (_, tail, message) => {
    const { evaluateBytes } = start(['one']);
    await expect(evaluateBytes(encoded({ expressions: ['1'] }), Uint8Array.from(tail))).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: expect.stringContaining(message),
    });
  });
});

/** A clock that advances by a millisecond each time it is read. */
const hasty: Clock = { ...systemClock, now: ticking() };

function ticking() {
  let now = 0;
  return () => {
    now += 1;
    return now;
  };
}

describe('EvaluatePart', () => {
  it('identifies expressions by their positions in the batch', async () => {
    const { client } = start(['one']);
    const { results, errors } = await client.evaluatePart({ expressions: ['1 + 1', 'x'], firstIndex: 7_000 });
    expect(results).toEqual(['2', '']);
    expect(errors).toMatchObject([
      { index: 7_001, status: { message: expect.stringMatching(/^expressions\[7001\]: /) } },
    ]);
  });

  it('is refused if it is too large', async () => {
    const { client } = start(['one']);
    await expect(client.evaluatePart({ expressions: Array(5_001).fill('1') })).rejects.toThrow('must be at most 5000');
    const long = '1+'.repeat(2_000).concat('1');
    await expect(client.evaluatePart({ expressions: Array(40).fill(long) })).rejects.toThrow(
      'must have at most 131072 bytes together, have 160160; send fewer',
    );
  });

  it('lets other work run in between, however many parts run at once', async () => {
    const { client } = start(['one'], { clock: hasty });
    let ended = false;
    const parts = Promise.all(squares(10).map(() => client.evaluatePart({ expressions: squares(60) })));
    const end = parts.then(() => {
      ended = true;
    });
    let turns = 0;
    for (; !ended; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    await end;
    // The loop yields after five reads of this clock, so that a part takes twelve turns of the event loop, each with no
    // other part.
    expect(turns).toBeGreaterThanOrEqual(10 * 12);
  });

  it('stops computing when its call has ended', async () => {
    const context = new CallContext();
    let looks = 0;
    const clock: Clock = {
      ...systemClock,
      now() {
        looks += 1;
        if (looks === 100) context.end(new RpcError(Status.CANCELLED, 'the caller left'));
        return looks;
      },
    };
    const request = EvaluatePartRequest.encode(
      EvaluatePartRequest.fromPartial({ expressions: squares(2_000) }),
    ).finish();
    await expect(evaluatePart(request, { context, yieldingLoop: createYieldingLoop(clock) })).rejects.toMatchObject({
      code: Status.CANCELLED,
    });
    expect(looks).toBeLessThan(110);
  });
});
