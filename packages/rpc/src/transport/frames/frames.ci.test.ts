import { describe, expect, it } from '@jest/globals';
import { Call, Credit, End, Header, Kind, Message } from '@rondo/contracts/rondo/frames/v1/frames';
import {
  below,
  countRefused,
  number,
  randomCall,
  randomEnd,
  randomMessage,
  SEED,
} from '../../../test/support/random-frames.js';
import { Metadata, type MetadataValue } from '../../call/metadata.js';
import { readAbout, readCall, readEnd, readHeader, readMessage } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { KIND } from './frames.js';

/** Entries as generated code has them. */
const generated = (pairs: readonly (readonly [string, MetadataValue])[]) =>
  pairs.map(([key, value]) => ({ key, value: Buffer.from(value) }));

/** Metadata as a list that can be compared. */
const listed = (metadata: Metadata | undefined) =>
  [...(metadata ?? [])].map(([key, value]) => [key, typeof value === 'string' ? value : Buffer.from(value)]);

/** The body of the only frame that was written, which must be of this kind. */
function bodyOf(writer: FrameWriter, kind: number): Buffer {
  const frame = writer.take();
  expect([frame[0], frame.readUInt32BE(1)]).toEqual([kind, frame.length - 5]);
  return frame.subarray(5);
}

const encoded = (bytes: Uint8Array) => Buffer.from(bytes);

describe(`frames (seed ${SEED})`, () => {
  it('have the kinds of the contract', () => {
    const words = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    for (const [name, kind] of Object.entries(KIND)) expect(Kind[kind]).toBe(`KIND_${words(name)}`);
  });

  it('of calls are those of the contract', () => {
    const writer = new FrameWriter();
    for (let left = 200; left > 0; left -= 1) {
      const call = randomCall();
      writer.call({ ...call, metadata: new Metadata(call.metadata) });
      const wanted = { ...call, metadata: generated(call.metadata) };
      expect(Call.decode(bodyOf(writer, KIND.call))).toEqual(wanted);
      const read = readCall(encoded(Call.encode(Call.fromPartial(wanted)).finish()));
      expect({ ...read, metadata: listed(read.metadata) }).toEqual(call);
    }
  });

  it('of messages, headers and credit are those of the contract', () => {
    const writer = new FrameWriter();
    for (let left = 200; left > 0; left -= 1) {
      const message = randomMessage();
      writer.message(message);
      expect(Message.decode(bodyOf(writer, KIND.message))).toEqual(message);
      expect(readMessage(encoded(Message.encode(Message.fromPartial(message)).finish()))).toEqual(message);
      const { id, header } = randomEnd();
      writer.header(id, new Metadata(header));
      expect(Header.decode(bodyOf(writer, KIND.header))).toEqual({ id, metadata: generated(header) });
      const read = readHeader(encoded(Header.encode(Header.fromPartial({ id, metadata: generated(header) })).finish()));
      expect([read.id, listed(read.metadata)]).toEqual([id, header]);
      const credit = { id, bytes: number() };
      writer.credit(id, credit.bytes);
      expect(Credit.decode(bodyOf(writer, KIND.credit))).toEqual(credit);
      expect(readAbout(encoded(Credit.encode(credit).finish()))).toEqual(credit);
      writer.about(KIND.cancel, id);
      expect(readAbout(bodyOf(writer, KIND.cancel))).toEqual({ id, bytes: 0 });
    }
  });

  it('of ends are those of the contract', () => {
    const writer = new FrameWriter();
    for (let left = 200; left > 0; left -= 1) {
      const { header, trailer, failure, id, message } = randomEnd();
      writer.end({ id, message, failure, header: new Metadata(header), trailer: new Metadata(trailer) });
      const { details = Buffer.alloc(0), notHandled = '', retryPushback = '', ...rest } = failure ?? {};
      const failed = failure && { ...rest, details, notHandled, retryPushbackMs: retryPushback };
      const wanted = { id, message, header: generated(header), trailer: generated(trailer), failure: failed };
      expect(End.decode(bodyOf(writer, KIND.end))).toEqual(wanted);
      const read = readEnd(encoded(End.encode(End.fromPartial(wanted)).finish()));
      expect([read.id, read.message, listed(read.header), listed(read.trailer)]).toEqual([
        id,
        message,
        header,
        trailer,
      ]);
      expect(read.failure?.message).toEqual(failure?.message);
    }
  });

  it('may have unknown fields', () => {
    // Field 15 as a number, as 4 and 8 bytes, and as bytes.
    const unknown = Buffer.from([0x78, 0x96, 0x01, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 1, 2]);
    const id = 1 + below(100);
    const body = Buffer.concat([unknown, Credit.encode({ id, bytes: 7 }).finish(), unknown]);
    expect(readAbout(body)).toEqual({ id, bytes: 7 });
    for (const read of [readCall, readMessage, readHeader, readEnd]) expect(read(unknown).id).toBe(0);
  });

  it('that are broken end in a FrameError, whatever the bytes', () => {
    expect(countRefused(2_000)).toBeGreaterThan(100);
  });
});
