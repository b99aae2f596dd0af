import type { MetadataSource, MetadataValue } from '../call/metadata.js';

/** Received metadata. Several texts under one key become one, as over HTTP. */
export class ReceivedEntries implements MetadataSource {
  readonly #entries: { readonly key: string; value: MetadataValue }[] = [];
  /** The number of values that were added. */
  size = 0;
  /** The length of all keys and values that were added. */
  sizeBytes = 0;

  add(key: string, value: MetadataValue): void {
    this.size += 1;
    this.sizeBytes += key.length + value.length;
    const present = key.endsWith('-bin') ? undefined : this.#entries.find((entry) => entry.key === key);
    if (present === undefined) this.#entries.push({ key, value });
    else present.value = `${present.value}, ${value}`;
  }

  getAll(name: string): readonly MetadataValue[] {
    const values: MetadataValue[] = [];
    for (const { key, value } of this.#entries) if (key === name) values.push(value);
    return values;
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    for (const { key, value } of this.#entries) visit(key, value);
  }
}
