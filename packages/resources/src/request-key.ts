import { createHash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EXAMPLE = '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10';

/** What makes a call safe to repeat (AIP-155): the caller's id for it, and what it asked for. */
export interface RequestKey {
  /** A UUID in lower case. */
  readonly id: string;
  /** SHA-256 of what is asked for, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/**
 * What makes a call safe to repeat; undefined where its caller didn't ask for that. `asked` is what the request asks for
 * as it was understood: without what the server ignores, and always in the same order.
 */
export function readRequestKey(report: ReportFault, requestId: string, asked: object): RequestKey | undefined {
  if (requestId === '') return undefined;
  if (!UUID.test(requestId)) report(`must be a UUID, such as ${EXAMPLE}, or empty; it is "${requestId}"`);
  return { id: requestId.toLowerCase(), fingerprint: fingerprintOf(asked) };
}

function fingerprintOf(asked: object): Uint8Array {
  const text = JSON.stringify(asked, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  return createHash('sha256').update(text).digest();
}
