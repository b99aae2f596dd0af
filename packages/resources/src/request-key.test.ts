import { describe, expect, it } from '@jest/globals';
import { readRequestKey } from './request-key.js';

const ID = '0B4F8E52-6c1d-4e8a-9f27-3f6f0f9f3a10';

function read(id: string, asked: object) {
  const faults: string[] = [];
  return { key: readRequestKey((fault) => faults.push(fault), id, asked), faults };
}

describe('a request id', () => {
  it('goes with a fingerprint of what is asked for', () => {
    const { key, faults } = read(ID, { quantity: 3n });
    expect(faults).toEqual([]);
    expect(key?.id).toBe(ID.toLowerCase());
    expect(key?.fingerprint).toHaveLength(32);
    expect(read(ID, { quantity: 3n }).key).toEqual(key);
    expect(read(ID, { quantity: 4n }).key?.fingerprint).not.toEqual(key?.fingerprint);
  });

  it('may be missing, and is a UUID else', () => {
    expect(read('', {})).toEqual({ key: undefined, faults: [] });
    expect(read('7', {}).faults).toEqual([expect.stringContaining('must be a UUID, such as ')]);
  });
});
