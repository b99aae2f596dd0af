import { describe, expect, it } from '@jest/globals';
import { ConnectRequest, ConnectResponse } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import { below, countRefused, number, randomCall, randomReply, SEED } from '../../../test/support/random-frames.js';
import { Metadata, type MetadataValue } from '../../call/metadata.js';
import { readRequest, readResponse } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import type { CallFrame, ReplyFrame } from './frames.js';
import { FieldReader } from './wire-format.js';

/** Entries as generated code has them. */
const generated = (pairs: readonly [string, MetadataValue][]) =>
  pairs.map(([key, value]) => ({ key, value: Buffer.from(value) }));

/** Metadata as a list that can be compared. */
const listed = (metadata: Metadata | undefined) =>
  [...(metadata ?? [])].map(([key, value]) => [key, typeof value === 'string' ? value : Buffer.from(value)]);

describe(`frames (seed ${SEED})`, () => {
  it('of calls are those of the contract', () => {
    for (let left = 50; left > 0; left -= 1) {
      const calls = Array.from({ length: below(5) }, randomCall);
      const cancelled = number();
      const writer = new FrameWriter();
      for (const call of calls) writer.call({ ...call, metadata: new Metadata(call.metadata) });
      writer.cancel(cancelled);
      const batch = writer.take();
      const none = { principal: 0, assertion: undefined };
      const unset = { timeoutMs: undefined, previousAttempts: undefined };
      const nothing = { ...unset, ...none, metadata: [], message: Buffer.alloc(0) };
      const last = { id: cancelled, method: 0, path: '', ...nothing };
      expect(ConnectRequest.decode(batch)).toEqual({
        hello: undefined,
        calls: [
          ...calls.map((call) => ({ ...call, metadata: generated(call.metadata), cancel: false })),
          { ...last, cancel: true },
        ],
      });
      const read: CallFrame[] = [];
      const request = { calls: calls.map((call) => ({ ...call, metadata: generated(call.metadata) })) };
      const listener = { onHello: never, onCancel: never, onCall: (call: CallFrame) => read.push(call) };
      const fields = fieldsOf(ConnectRequest.encode(ConnectRequest.fromPartial(request)).finish());
      readAll(() => readRequest(fields, listener, 2), 2, read);
      expect(read.map((call) => ({ ...call, metadata: listed(call.metadata) }))).toEqual(calls);
    }
  });

  it('of replies are those of the contract', () => {
    for (let left = 50; left > 0; left -= 1) {
      const replies = Array.from({ length: below(5) }, randomReply);
      const writer = new FrameWriter();
      for (const reply of replies) {
        writer.reply({ ...reply, header: new Metadata(reply.header), trailer: new Metadata(reply.trailer) });
      }
      const wanted = replies.map(({ header, trailer, failure, ...reply }) => {
        const { details = Buffer.alloc(0), notHandled = '', retryPushback = '' } = failure ?? {};
        const { retryPushback: _renamed, ...rest } = failure ?? {};
        const failed = failure && { ...rest, details, notHandled, retryPushbackMs: retryPushback };
        return { ...reply, header: generated(header), trailer: generated(trailer), failure: failed };
      });
      expect(ConnectResponse.decode(writer.take())).toEqual({ welcome: undefined, goAway: undefined, replies: wanted });
      const read: ReplyFrame[] = [];
      const listener = { onWelcome: never, onGoAway: never, onReply: (reply: ReplyFrame) => read.push(reply) };
      const fields = fieldsOf(ConnectResponse.encode(ConnectResponse.fromPartial({ replies: wanted })).finish());
      readAll(() => readResponse(fields, listener, 2), 2, read);
      expect(read.map(({ header, trailer }) => [listed(header), listed(trailer)])).toEqual(
        replies.map(({ header, trailer }) => [header, trailer]),
      );
      expect(read.map(({ id, message, totalBytes, more }) => ({ id, message, totalBytes, more }))).toEqual(
        replies.map(({ id, message, totalBytes, more }) => ({ id, message, totalBytes, more })),
      );
      expect(read.map(({ failure }) => failure?.message)).toEqual(replies.map(({ failure }) => failure?.message));
    }
  });

  it('that come once are read by generated code, and unknown fields are passed over', () => {
    const seen: unknown[] = [];
    const listener = {
      onHello: (hello: unknown) => seen.push(hello),
      onCall: never,
      onCancel: never,
      onWelcome: (welcome: unknown) => seen.push(welcome),
      onReply: never,
      onGoAway: (goAway: unknown) => seen.push(goAway),
    };
    // Field 15 as a number, as 4 and 8 bytes, and as bytes.
    const unknown = Buffer.from([0x78, 0x96, 0x01, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 1, 2]);
    const hello = ConnectRequest.encode(ConnectRequest.fromPartial({ hello: { version: 7 } })).finish();
    readRequest(fieldsOf(Buffer.concat([unknown, hello, unknown])), listener, 1);
    const response = {
      welcome: { version: 1, maxCalls: 2, maxRequestBytes: 3, maxUnansweredBytes: 5 },
      goAway: { accepted: 4 },
    };
    readResponse(fieldsOf(ConnectResponse.encode(ConnectResponse.fromPartial(response)).finish()), listener, 1);
    expect(seen).toEqual([{ version: 7 }, response.welcome, response.goAway]);
  });

  it('that are broken end in a FrameError, whatever the bytes', () => {
    expect(countRefused(2_000)).toBeGreaterThan(100);
  });
});

const fieldsOf = (bytes: Uint8Array) => new FieldReader(Buffer.from(bytes));

/** Reads `most` frames at a time. */
function readAll(readSome: () => boolean, most: number, read: readonly unknown[]): void {
  for (let before = 0; readSome(); before = read.length) expect(read.length - before).toBe(most);
}

function never(): never {
  throw new Error('no such frame was sent');
}
