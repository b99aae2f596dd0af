import { describe, expect, it } from '@jest/globals';
import { FieldDescriptorProto_Type as Type } from '@rondo/contracts/google/protobuf/descriptor';
import { FollowRequest, UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { readBytes, readScalar, withBytes } from './wire-fields.js';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const bytes = (...values: readonly number[]) => Uint8Array.from(values);

describe('a field of an encoded message', () => {
  const request = UnaryRequest.encode(
    UnaryRequest.fromPartial({
      payload: Buffer.alloc(300, 7),
      text: 'näher',
      behaviour: { code: 14, message: 'away' },
    }),
  ).finish();

  it('is read by its number, or by the numbers that lead to it', () => {
    expect(text(readBytes(request, 2))).toBe('näher');
    expect(readScalar(request, { path: [2], type: Type.TYPE_STRING })).toBe('näher');
    expect(readScalar(request, { path: [3, 1], type: Type.TYPE_INT32 })).toBe(14);
    expect(readScalar(request, { path: [3, 2], type: Type.TYPE_STRING })).toBe('away');
    expect(readScalar(request, { path: [1], type: Type.TYPE_BYTES })).toEqual(Buffer.alloc(300, 7));
  });

  it('is read from all parts of the message that it is in', () => {
    const more = UnaryRequest.encode(UnaryRequest.fromPartial({ behaviour: { message: 'later' } })).finish();
    const both = Buffer.concat([request, more]);
    expect(readScalar(both, { path: [3, 1], type: Type.TYPE_INT32 })).toBe(14);
    expect(readScalar(both, { path: [3, 2], type: Type.TYPE_STRING })).toBe('later');
  });

  it('is undefined if it is missing, another kind of field, or the message is damaged', () => {
    expect(readBytes(request, 9)).toBeUndefined();
    expect(readScalar(request, { path: [2, 1], type: Type.TYPE_STRING })).toBeUndefined();
    expect(readScalar(request, { path: [3, 3], type: Type.TYPE_STRING })).toBeUndefined();
    expect(readScalar(request, { path: [3], type: Type.TYPE_MESSAGE })).toBeUndefined();
    for (let length = 1; length < 303; length += 1) expect(readBytes(request.subarray(0, length), 1)).toBeUndefined();
    expect(readBytes(bytes(0x0b, 0x0c, 0x12, 0x01, 0x61), 2)).toBeUndefined(); // a group
    expect(readBytes(bytes(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), 2)).toBeUndefined();
  });

  it.each([
    [Type.TYPE_INT32, bytes(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), -1],
    [Type.TYPE_INT64, bytes(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), -1n],
    [Type.TYPE_UINT64, bytes(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), 2n ** 64n - 1n],
    [Type.TYPE_UINT32, bytes(0x08, 0xff, 0xff, 0xff, 0xff, 0x0f), 2 ** 32 - 1],
    [Type.TYPE_SINT32, bytes(0x08, 0x03), -2],
    [Type.TYPE_SINT64, bytes(0x08, 0x04), 2n],
    [Type.TYPE_BOOL, bytes(0x08, 0x01), true],
    [Type.TYPE_ENUM, bytes(0x08, 0x96, 0x01), 150],
    [Type.TYPE_FIXED32, bytes(0x0d, 0xff, 0xff, 0xff, 0xff), 2 ** 32 - 1],
    [Type.TYPE_SFIXED32, bytes(0x0d, 0xff, 0xff, 0xff, 0xff), -1],
    [Type.TYPE_FIXED64, bytes(0x09, 1, 0, 0, 0, 0, 0, 0, 0x80), 2n ** 63n + 1n],
    [Type.TYPE_SFIXED64, bytes(0x09, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), -1n],
    [Type.TYPE_FLOAT, bytes(0x0d, 0, 0, 0xc0, 0x3f), 1.5],
    [Type.TYPE_DOUBLE, bytes(0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0xbf), -1.5],
  ])('of type %d has the value that generated code reads', (type, message, value) => {
    expect(readScalar(message, { path: [1], type })).toBe(value);
  });

  it('is replaced by appending it, whatever its length and its number', () => {
    const before = FollowRequest.encode(FollowRequest.fromPartial({ count: 3, resumeToken: 'old' })).finish();
    const token = 'n'.repeat(200);
    const after = withBytes(before, 2, Buffer.from(token));
    expect(FollowRequest.decode(after)).toMatchObject({ count: 3, resumeToken: token });
    expect(text(readBytes(after, 2))).toBe(token);
    expect(text(readBytes(withBytes(new Uint8Array(), 70_000, Buffer.from('x')), 70_000))).toBe('x');
    expect(text(readBytes(withBytes(new Uint8Array(), 2 ** 29 - 1, Buffer.from('x')), 2 ** 29 - 1))).toBe('x');
  });
});
