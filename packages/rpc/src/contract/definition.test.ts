import { describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { raw } from './definition.js';

const { check } = HealthDefinition.methods;

describe('raw', () => {
  it('takes and returns encoded messages, and changes nothing else in the method', () => {
    const { requestType, responseType, ...method } = raw(check);
    const bytes = Uint8Array.of(1, 2, 3);
    for (const type of [requestType, responseType]) {
      expect(type.decode(bytes)).toBe(bytes);
      expect(type.encode(type.fromPartial(bytes)).finish()).toBe(bytes);
    }
    const { requestType: _request, responseType: _response, ...same } = check;
    expect(method).toEqual(same);
  });

  it('refuses a message that is not encoded', () => {
    expect(() => raw(check).requestType.fromPartial({ service: 's.S' })).toThrow('encoded, as a Uint8Array');
  });
});
