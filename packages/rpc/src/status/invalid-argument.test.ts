import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { encodeStatusDetails } from './detail.js';
import { invalidArgument, validate } from './invalid-argument.js';
import type { RpcError } from './rpc-error.js';

/** The trailing metadata that the C core accepts, less that of every reply. */
const ROOM_BYTES = 8 * 1024 - 400;

/** As the C core counts: percent-encoded text as sent, base64 decoded. */
function trailerBytes(error: RpcError): number {
  return encodeURI(error.message).length + (encodeStatusDetails(error)?.length ?? 0);
}

function violationsOf(error: RpcError) {
  return error.detail(BadRequest)?.fieldViolations ?? [];
}

describe('invalidArgument', () => {
  it('lists the violations in the message and in the details', () => {
    const violations = [
      { field: 'a', description: 'must not be 0' },
      { field: 'b', description: 'is required' },
    ];
    const error = invalidArgument(violations);
    expect(error.message).toBe('a: must not be 0; b: is required');
    expect(violationsOf(error)).toMatchObject(violations);
  });

  it('lists the first of many, says how many are left, and fits into what every client accepts', () => {
    const violations = Array.from({ length: 400 }, (_, index) => ({
      field: `tasks[${index}].assignee`,
      description: 'must be members/{member}; it is "größer"',
    }));
    const error = invalidArgument(violations);
    const listed = violationsOf(error);
    expect(listed.length).toBeGreaterThan(10);
    expect(listed).toMatchObject(violations.slice(0, listed.length));
    expect(error.message.endsWith(`; and ${400 - listed.length} more`)).toBe(true);
    expect(trailerBytes(error)).toBeLessThan(ROOM_BYTES);
  });

  it.each(['x', '語', '😀'])(
    'cuts a description that repeats too much of the request, between characters: "%s…"',
    (character) => {
      const description = `must be an id; it is "${character.repeat(100_000)}"`;
      const error = invalidArgument([{ field: 'request_id', description }]);
      const [violation] = violationsOf(error);
      expect(violation?.description).toMatch(new RegExp(`^must be an id; it is "${character}+…$`, 'u'));
      expect(error.message).toBe(`request_id: ${violation?.description}`);
      expect(trailerBytes(error)).toBeLessThan(ROOM_BYTES);
    },
  );

  it('cuts a field that repeats too much of the request', () => {
    const error = invalidArgument([{ field: 'k'.repeat(100_000), description: 'is not a field' }]);
    expect(violationsOf(error)[0]?.field).toMatch(/^k+…$/);
    expect(trailerBytes(error)).toBeLessThan(ROOM_BYTES);
  });
});

it('a reader may report millions of faults, of which a hundred are kept', () => {
  const read = () =>
    validate((field) => {
      for (let index = 0; index < 1_000; index += 1) field(`a[${index}]`)('is wrong');
    });
  expect(read).toThrow(/a\[99\]: is wrong$/);
});
