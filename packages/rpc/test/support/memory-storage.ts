import type { EndpointStorage } from '../../src/resolver/endpoint-storage.js';

/** A storage that a test can inspect, and make fail. */
export interface MemoryStorage extends EndpointStorage {
  readonly texts: Map<string, string>;
  writes: number;
  reads: number;
  /** The error of a failing write. */
  fault: Error | undefined;
}

/** Stores texts in memory. */
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
