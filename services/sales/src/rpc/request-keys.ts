import { createHash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';
import type { RequestKey } from '../domain/request-key.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A call that may carry a request id. */
export interface KeyedCall {
  readonly method: RequestKey['method'];
  readonly requestId: string;
  /** What it asks for, as it was understood: without what the server ignores, and always in the same order. */
  readonly asked: object;
}

/** What makes a call safe to repeat; undefined where its caller didn't ask for that. */
export function readRequestKey(report: ReportFault, { method, requestId, asked }: KeyedCall): RequestKey | undefined {
  if (requestId === '') return undefined;
  if (!UUID.test(requestId))
    report(`must be a UUID, such as 0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10, or empty; it is "${requestId}"`);
  return { method, id: requestId.toLowerCase(), fingerprint: fingerprintOf(asked) };
}

function fingerprintOf(asked: object): string {
  const text = JSON.stringify(asked, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  return createHash('sha256').update(text).digest('hex');
}
