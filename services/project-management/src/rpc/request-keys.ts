import { createHash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';
import type { RequestKey } from '../domain/request-key.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A generated codec; it writes fields in the order of their numbers, so equal requests are equal bytes. */
export interface RequestCodec<Request> {
  encode(request: Request): { finish(): Uint8Array };
}

/** What makes a create safe to repeat; undefined where its caller didn't ask for that. */
export function readRequestKey<Request extends { readonly requestId: string }>(
  report: ReportFault,
  request: Request,
  codec: RequestCodec<Request>,
): RequestKey | undefined {
  const { requestId } = request;
  if (requestId === '') return undefined;
  if (!UUID.test(requestId)) report(`must be a UUID, such as ${EXAMPLE}, or empty; it is "${requestId}"`);
  const body = codec.encode({ ...request, requestId: '' }).finish();
  return { id: requestId.toLowerCase(), fingerprint: createHash('sha256').update(body).digest() };
}

const EXAMPLE = '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10';
