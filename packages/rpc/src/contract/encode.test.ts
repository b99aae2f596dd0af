import { describe, expect, it } from '@jest/globals';
import { UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { retainedBytes } from '../../test/support/retained.js';
import { until } from '../../test/support/wait.js';
import type { MessageType, MessageWriter } from './definition.js';
import { encodeMessage } from './encode.js';

const MIB = 1024 * 1024;

const ofBytes = (length: number) => UnaryRequest.fromPartial({ text: 'a text', payload: Buffer.alloc(length, 'abc') });

/** Whether `bytes` are the encoded `message`. */
const isOf = (bytes: Uint8Array, message: UnaryRequest | undefined) =>
  message !== undefined && Buffer.compare(UnaryRequest.encode(message).finish(), bytes) === 0;

/** A type with its own writers, and how many it made. */
function countedType() {
  const made = new Set<MessageWriter>();
  const type: MessageType = {
    ...UnaryRequest,
    encode(message: UnaryRequest, writer?: MessageWriter) {
      const used = UnaryRequest.encode(message, writer as Parameters<typeof UnaryRequest.encode>[1]);
      if (writer === undefined) made.add(used);
      return used;
    },
  };
  return { type, made };
}

describe('messages of a type', () => {
  it.each([10, 4096, 100_000])('are written by one writer: %i bytes', (length) => {
    const { type, made } = countedType();
    const messages = [1, 2, 3].map((more) => ofBytes(length + more));
    const bytes = messages.map((message) => encodeMessage(type, message));
    expect(made.size).toBe(1);
    // None is overwritten by the next.
    expect(bytes.map((each, index) => isOf(each, messages[index]))).toEqual(messages.map(() => true));
  });

  it('may be short and long in turn', () => {
    const { type, made } = countedType();
    const messages = [10, 5000, 20, MIB, 30, 5000].map(ofBytes);
    const bytes = messages.map((message) => encodeMessage(type, message));
    expect(bytes.map((each, index) => isOf(each, messages[index]))).toEqual(messages.map(() => true));
    expect(made.size).toBe(1);
  });

  it.each([10, 100_000])('are not written behind a part of one that fails: after %i bytes', (length) => {
    const { type } = countedType();
    const message = ofBytes(length);
    encodeMessage(type, message);
    const broken = { ...message, behaviour: { code: 'none' } };
    expect(() => encodeMessage(type, broken)).toThrow();
    expect(isOf(encodeMessage(type, message), message)).toBe(true);
  });

  it('hold no large buffer once garbage is collected', async () => {
    const before = retainedBytes();
    const types = Array.from({ length: 20 }, () => ({ ...UnaryRequest }) as MessageType);
    for (const type of types) encodeMessage(type, ofBytes(MIB));
    await until(() => retainedBytes() - before < MIB);
    expect(types).toHaveLength(20);
  });
});
