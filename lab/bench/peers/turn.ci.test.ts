import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { unacceptable } from '../peers.mjs';
import { countTo, createTally } from './answers.mjs';
import { isDisturbed, parseCores } from './machine.mjs';
import { checkEven } from './peer.mjs';
import { rotated } from './rounds.mjs';
import { runTurn } from './turn.mjs';

interface Message {
  readonly text: string;
  readonly payload?: Uint8Array | string;
}

/** A client whose server answers correctly. */
const client = {
  payloads: 'bytes',
  unary: async (request: Message) => request,
  async serverStream({ count }: { count: number }, onReply: (reply: { index: number }) => void) {
    for (const reply of countTo(count)) onReply(reply);
  },
  async clientStream(requests: Iterable<Message>) {
    const tally = createTally();
    for (const request of requests) tally.take(request);
    return tally.reply();
  },
  async bidiStream(requests: AsyncIterable<Message>, onReply: (reply: Message) => void) {
    for await (const request of requests) onReply(request);
  },
};
const WORKLOADS = {
  unary: { method: 'unary', lanes: 4, bytes: 1024 },
  burst: { method: 'unary', burst: 100 },
  serverStream: { method: 'serverStream', messages: 500 },
  clientStream: { method: 'clientStream', messages: 500 },
  bidiStream: { method: 'bidiStream' },
};
const SECONDS = 0.01;

describe('runTurn', () => {
  it.each(Object.entries(WORKLOADS))('counts what it has done: %s', async (_, workload) => {
    const turn = await runTurn(client, workload, SECONDS);
    expect(turn.operations).toBeGreaterThan(0);
    expect(turn.operations % (workload.method.endsWith('rStream') ? 500 : 1)).toBe(0);
    expect(turn.p99).toBeGreaterThanOrEqual(turn.p50 ?? Number.NaN);
  });

  it('refuses a reply with another text, or a payload of which one byte differs', async () => {
    const other = { ...client, unary: async ({ payload }: Message) => ({ text: 'call-99', payload }) };
    await expect(runTurn(other, WORKLOADS.unary, SECONDS)).rejects.toThrow('has the text "call-99"');
    const changed = {
      ...client,
      unary: async ({ text, payload }: Message) => ({ text, payload: Buffer.from(payload ?? '').fill(0, 1023) }),
    };
    await expect(runTurn(changed, WORKLOADS.unary, SECONDS)).rejects.toThrow('another payload, of 1024 bytes');
  });

  it('refuses a stream that lacks a message, or has one twice', async () => {
    const less = {
      ...client,
      serverStream: (_: object, onReply: never) => client.serverStream({ count: 499 }, onReply),
    };
    await expect(runTurn(less, WORKLOADS.serverStream, SECONDS)).rejects.toThrow('there were 499 messages of 500');
    const twice = {
      ...client,
      async serverStream(_: object, onReply: (reply: { index: number }) => void) {
        for (const index of [0, 0]) onReply({ index });
      },
    };
    await expect(runTurn(twice, WORKLOADS.serverStream, SECONDS)).rejects.toThrow('message 1 has the index 0');
    const lost = {
      ...client,
      clientStream: (requests: Iterable<Message>) => client.clientStream([...requests].slice(0, -1)),
    };
    await expect(runTurn(lost, WORKLOADS.clientStream, SECONDS)).rejects.toThrow('the server had 499 messages of 500');
    const swapped = {
      ...client,
      clientStream: (requests: Iterable<Message>) => client.clientStream([...requests].reverse()),
    };
    await expect(runTurn(swapped, WORKLOADS.clientStream, SECONDS)).rejects.toThrow('message 0 is "call-');
  });

  it('refuses a ping-pong with another text', async () => {
    const other = {
      ...client,
      async bidiStream(requests: AsyncIterable<Message>, onReply: (reply: Message) => void) {
        for await (const _ of requests) onReply({ text: 'call-99' });
      },
    };
    await expect(runTurn(other, WORKLOADS.bidiStream, SECONDS)).rejects.toThrow('the reply to "call-00" is "call-99"');
  });
});

describe('checkEven', () => {
  it('refuses calls that leave a replica out', () => {
    expect(() => checkEven([1000, 1040, 980])).not.toThrow();
    expect(() => checkEven([3000, 0, 0])).toThrow('the replicas got 3000, 0, 0 calls');
  });
});

describe('rounds', () => {
  it('rotate the order', () => {
    expect([0, 1, 4].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'bca']);
  });

  it('are disturbed by over a twentieth of a core, if the kernel can tell', () => {
    expect(isDisturbed(99, 2000, 2)).toBe(false);
    expect(isDisturbed(101, 2000, 2)).toBe(true);
    expect(isDisturbed(39, 200, 2)).toBe(false);
  });
});

describe('parseCores', () => {
  it('reads ranges and single cores', () => {
    expect(parseCores(' 0,2-4\n')).toEqual([0, 2, 3, 4]);
    expect(parseCores(' 7\n')).toEqual([7]);
  });
});

it('figures are accepted only of a whole run without failures', () => {
  const run = { settings: { whole: true }, failures: 0 };
  expect(unacceptable(run)).toBeUndefined();
  expect(unacceptable({ ...run, settings: { whole: false } })).toMatch('quick or partial');
  expect(unacceptable({ ...run, failures: 2 })).toMatch('2 contenders failed');
});

it('the packages have the grpc-js of Rondo, so that no ratio comes from its versions', () => {
  const [peers, rondo] = ['./package.json', '../../../packages/rpc/package.json'].map((file) =>
    JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')),
  );
  expect(peers.dependencies['@grpc/grpc-js']).toBe(rondo.dependencies['@grpc/grpc-js']);
});
