import { Metadata } from '@rondo/rpc/call';
import { messageOf } from '../thrown.js';
import { UsageError } from '../usage-error.js';

/** Reads `key=value` pairs as metadata; under a key that ends in `-bin` the value is bytes in base64. */
export function parseMetadata(pairs: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const pair of pairs) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`--metadata "${pair}": must be key=value, such as request-id=42`);
    }
    append(metadata, key, value);
  }
  return metadata;
}

function append(metadata: Metadata, key: string, value: string): void {
  const binary = key.toLowerCase().endsWith('-bin');
  if (binary && !/^[\w+/-]*={0,2}$/.test(value)) {
    throw new UsageError(`--metadata "${key}": a key that ends in -bin takes bytes in base64`);
  }
  try {
    metadata.append(key, binary ? Buffer.from(value, 'base64') : value);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
