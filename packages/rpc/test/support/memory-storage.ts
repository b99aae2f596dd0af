import type { EndpointStorage } from '../../src/resolver/index.js';

/** A storage that a test can look into, and break. */
export interface MemoryStorage extends EndpointStorage {
  readonly texts: Map<string, string>;
  writes: number;
  reads: number;
  /** What writing fails with. */
  fault: Error | undefined;
}

/** Keeps texts in this process. */
export function memoryStorage(texts: Readonly<Record<string, string>> = {}): MemoryStorage {
  const storage: MemoryStorage = {
    texts: new Map(Object.entries(texts)),
    writes: 0,
    reads: 0,
    fault: undefined,
    locate: (name) => `memory/${name}`,
    async read(name) {
      storage.reads += 1;
      return storage.texts.get(name);
    },
    async write(name, text) {
      storage.writes += 1;
      if (storage.fault !== undefined) throw storage.fault;
      storage.texts.set(name, text);
    },
  };
  return storage;
}
