import type { MetadataSource, MetadataValue } from '../call/metadata.js';

/** Received metadata. Several texts under one key become one, as over HTTP. */
export class ReceivedEntries implements MetadataSource {
  readonly #entries: { readonly key: string; value: MetadataValue }[] = [];
  #added = 0;
  #bytes = 0;

  /** The number of values that were added. */
  get size(): number {
    return this.#added;
  }

  /** The length of all keys and values that were added. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  add(key: string, value: MetadataValue): void {
    this.#added += 1;
    this.#bytes += key.length + value.length;
    const present = key.endsWith('-bin') ? undefined : this.#entries.find((entry) => entry.key === key);
    if (present === undefined) this.#entries.push({ key, value });
    else present.value = `${present.value}, ${value}`;
  }

  getAll(name: string): readonly MetadataValue[] {
    return this.#entries.filter(({ key }) => key === name).map(({ value }) => value);
  }

  forEach(visit: (key: string, value: MetadataValue) => void): void {
    for (const { key, value } of this.#entries) visit(key, value);
  }
}
