import { expect, it } from '@jest/globals';
import { WatchReservationsResponse } from '@rondo/contracts/projects/v1/team';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { isMisread } from './outcome.js';
import { workflow } from './workflow.js';

it.each<[boolean, string, readonly number[]]>([
  [false, 'as this contract declares its fields', [0x22, 1, 0x78, 0x1a, 1, 0x72]],
  [false, 'from a contract that declares its fields in another order', [0x1a, 1, 0x72, 0x22, 1, 0x78]],
  [true, 'with a field that this contract lacks', [0x1a, 1, 0x72, 0x22, 1, 0x78, 0x98, 6, 1]],
  [true, 'with a field of another type', [0x1a, 1, 0x72, 0x20, 1]],
  [true, 'with a text where this contract has a message', [0x0a, 2, 0xff, 0xff]],
])('that a stored request is misread is %s %s', (misread, _, bytes) => {
  // It declares its field 4 before its field 3.
  const method = { ...HiringServiceDefinition.methods.hire, requestType: WatchReservationsResponse };
  const own = workflow(method, async () => ({ text: '' }));
  expect(isMisread(own, Buffer.from(bytes))).toBe(misread);
});
