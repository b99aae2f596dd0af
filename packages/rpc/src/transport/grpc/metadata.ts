import * as grpc from '@grpc/grpc-js';
import type { Metadata } from '../../call/metadata.js';

// grpc-js's own output is off, because Rondo throws or logs the same. GRPC_VERBOSITY turns
// it on.
if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** Adds all entries of `metadata` to grpc-js's. */
export function addTo<M extends grpc.Metadata>(target: M, metadata: Metadata): M {
  metadata.forEach((key, value) => {
    target.add(key, typeof value === 'string' ? value : Buffer.from(value));
  });
  return target;
}

/** A message as grpc-js takes it: the same bytes, not a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
