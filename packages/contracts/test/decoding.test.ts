import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from '@jest/globals';
import { NestedRules, SeldomRules, WellKnownRules } from '@rondo/contracts/rondo/conformance/v1/validation';

const child = (bytes: Uint8Array) => new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(bytes).finish();

describe('a decoded message', () => {
  it('has all parts of a field', () => {
    const parts = [{ name: 'a', child: { name: 'b' } }, { child: { children: [{}] } }];
    const nested = parts.map((part) => child(NestedRules.encode(NestedRules.fromPartial(part)).finish()));
    expect(NestedRules.decode(Buffer.concat(nested))).toMatchObject({
      child: { name: 'a', child: { name: 'b', children: [{}] } },
    });
    const times = [5_000, 7].map((ms) => ({ timestamp: new Date(ms), wrappedText: ms === 7 ? '' : 'x' }));
    const known = times.map((part) => WellKnownRules.encode(WellKnownRules.fromPartial(part)).finish());
    const whole = { timestamp: new Date(5_007), wrappedText: 'x' };
    expect(WellKnownRules.decode(Buffer.concat(known))).toMatchObject(whole);
    const masks = ['a', 'b'].map((path) => SeldomRules.encode(SeldomRules.fromPartial({ mask: [path] })).finish());
    expect(SeldomRules.decode(Buffer.concat(masks)).mask).toEqual(['a', 'b']);
  });

  it('has the default of a message that an entry of a map lacks', () => {
    expect(NestedRules.decode(Buffer.of(0x22, 0x03, 0x0a, 0x01, 0x61)).named).toMatchObject({ a: { name: '' } });
  });

  it('is nested at most 100 levels deep', () => {
    let bytes: Uint8Array = Buffer.of();
    for (let level = 0; level < 100; level++) bytes = child(bytes);
    expect(NestedRules.decode(bytes).child).toBeDefined();
    expect(() => NestedRules.decode(child(bytes))).toThrow('it is nested more than 100 levels deep');
  });

  it.each([
    ['a field of the number 0', [0x00, 0x00]],
    ['the end of a group', [0x0c]],
    ['a field that is longer than its message', [0x12, 0x02, 0x0a, 0x01, 0x61]],
  ])('has no %s', (_, bytes) => {
    expect(() => NestedRules.decode(Buffer.from(bytes))).toThrow();
  });
});
