import type { DescMethod } from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';

import { RpcError } from '@rondo/rpc/status';
import type { PublicMethod } from '../discovery/catalogue.js';

/**
 * A request for instances that may serve different versions of the contract. Each version encodes it once.
 *
 * @param encode throws an RpcError if the version doesn't take the request.
 * @returns the encoded request for an instance; undefined if its version doesn't take it.
 * @throws RpcError if no version takes the request: the error of the version that most instances serve.
 */
export function encodeForVersions(
  target: PublicMethod,
  encode: (method: DescMethod) => Uint8Array,
): (to: Endpoint | undefined) => Uint8Array | undefined {
  const { desc, versions = [desc] } = target;
  const encoded = new Map<DescMethod, Uint8Array | RpcError>();
  const attempt = (method: DescMethod) => {
    const result = encoded.get(method) ?? tried(() => encode(method));
    encoded.set(method, result);
    return result;
  };
  const first = attempt(desc);
  if (first instanceof RpcError && versions.every((method) => attempt(method) instanceof RpcError)) throw first;
  return (to) => {
    const method = target.descAt(to);
    const result = method && attempt(method);
    return result instanceof RpcError ? undefined : result;
  };
}

function tried(work: () => Uint8Array): Uint8Array | RpcError {
  try {
    return work();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
}
