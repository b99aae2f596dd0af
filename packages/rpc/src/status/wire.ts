import type { Any } from '@rondo/contracts/google/protobuf/any';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { RpcError } from './rpc-error.js';

/** The trailing metadata in which the details of a status travel. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** A status with details as `google.rpc.Status` bytes; undefined where there are none to carry. */
export function encodeStatusDetails({ code, message, details }: RpcError): Uint8Array | undefined {
  if (details.length === 0) return undefined;
  return RichStatus.encode({ code, message, details: [...details] }).finish();
}

/** The details in `google.rpc.Status` bytes; none where they don't decode: code and message still stand. */
export function decodeStatusDetails(bytes: Uint8Array): readonly Any[] {
  try {
    return RichStatus.decode(bytes).details;
  } catch {
    return [];
  }
}
