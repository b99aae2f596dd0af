import type { Header } from '@rondo/contracts/connectrpc/conformance/v1/service';

/** A value of metadata: text, or bytes under a key that ends in `-bin`. */
type Value = string | Uint8Array;

/** Calls `visit` with each entry of the suite's headers, which have values of binary keys in base64. */
export function eachEntry(headers: readonly Header[], visit: (key: string, value: Value) => void): void {
  for (const { name, value: values } of headers) {
    for (const value of values) visit(name, isBinary(name) ? Buffer.from(value, 'base64') : value);
  }
}

/** Metadata in the form of the suite's headers. */
export function toHeaders(entries: Iterable<readonly [string, Value]>): Header[] {
  const values = new Map<string, string[]>();
  for (const [key, value] of entries) {
    const text = typeof value === 'string' ? value : toBase64(value);
    values.set(key, [...(values.get(key) ?? []), text]);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

function isBinary(name: string): boolean {
  return name.toLowerCase().endsWith('-bin');
}

/** Base64 without padding, as the suite's own programs write it. */
function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
