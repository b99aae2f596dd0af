import type { HashKey as HashKeyOption } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';
import { nameInCode } from './name-in-code.js';

/** Where a call's key for ring hash comes from. */
export type HashKey =
  /** The names, in code, that lead to a field of the request. */
  { readonly from: 'field'; readonly path: readonly string[] } | { readonly from: 'metadata'; readonly key: string };

/** Reads what a contract says of it; undefined where it says nothing. */
export function hashKeyOf(option: HashKeyOption | undefined): HashKey | undefined {
  switch (option?.source?.$case) {
    case 'field':
      return { from: 'field', path: option.source.value.split('.').map(nameInCode) };
    case 'metadata':
      return { from: 'metadata', key: option.source.value };
    default:
      return undefined;
  }
}

/** What is wrong with the key of a method's calls, as it stands behind its name; undefined where nothing is. */
export function checkHashKey(hashKey: HashKey, { requestStream }: MethodDefinition): string | undefined {
  if (hashKey.from === 'metadata') {
    return isMetadataKey(hashKey.key)
      ? undefined
      : `names the metadata key "${hashKey.key}"; it must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
  }
  if (requestStream) return 'names a field of the request, which is a stream here; name a metadata key instead';
  return hashKey.path.includes('') ? 'names no field' : undefined;
}

function isMetadataKey(key: string): boolean {
  return /^[a-z0-9_.-]{1,128}$/.test(key) && !key.startsWith('grpc-') && !key.endsWith('-bin');
}
