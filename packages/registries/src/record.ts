import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';

/** An instance as one printable text, for a field that the registry and its other clients pass over. */
export function toRecord(instance: Instance): string {
  return Buffer.from(Instance.encode(instance).finish()).toString('base64');
}

/** The longest text: an instance has at most 16 KiB. */
const MAX_RECORD_LENGTH = 32 * 1024;

/** The instance of a text that {@link toRecord} made; undefined for any other value. */
export function fromRecord(record: unknown): Instance | undefined {
  if (typeof record !== 'string' || record === '' || record.length > MAX_RECORD_LENGTH) return undefined;
  try {
    return Instance.decode(Buffer.from(record, 'base64'));
  } catch {
    return undefined; // another program has written it
  }
}
