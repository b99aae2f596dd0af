import type { MetadataSource, MetadataValue } from '../call/metadata.js';

/** Received metadata. Several texts under one key become one, as over HTTP. */
export class ReceivedEntries implements MetadataSource {
  readonly #entries: { readonly key: string; value: MetadataValue }[] = [];

  /** The number of keys; each binary value counts. */
  get size(): number {
    return this.#entries.length;
  }

  add(key: string, value: MetadataValue): void {
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
