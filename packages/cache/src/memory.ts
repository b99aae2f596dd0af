import type { Endpoint } from '@rondo/rpc/client';
import { LRUCache } from 'lru-cache';

/** A kept answer. Times are milliseconds by the cache's clock. */
export interface Kept {
  /** The encoded reply. Nothing else refers to its memory. */
  readonly bytes: Uint8Array;
  readonly freshUntil: number;
  /** Until when it may be given while a new answer is on its way. */
  readonly staleUntil: number;
  /** The instance whose contract the reply follows, if its caller passes it on encoded. */
  readonly from?: Endpoint | undefined;
  /** The resource that it is about, for {@link Memory.deleteTagged}; undefined if that isn't known. */
  readonly tag?: string | undefined;
}

/** Kept answers, bounded by bytes: the least recently used ones go first. */
export interface Memory {
  get(key: string): Kept | undefined;
  /** Keeps an answer, unless it would take more than an eighth of the memory. */
  set(key: string, kept: Kept): void;
  delete(key: string): void;
  /** Deletes all keys that begin with `prefix`. It looks at every key. */
  deletePrefix(prefix: string): void;
  deleteTagged(tag: string): void;
  clear(): void;
  readonly sizeBytes: number;
  readonly entries: number;
}

/** What an entry takes besides its key and its bytes, measured on Node 20: the objects, the map's and the list's slots. */
const ENTRY_BYTES = 300;
/** One answer takes at most this share of the memory, so that it doesn't displace all others. */
const MAX_SHARE = 1 / 8;

/** @param maxBytes the most that all entries take, with their keys. */
export function createMemory(maxBytes: number): Memory {
  const tagged = new Map<string, Set<string>>();
  const untag = (tag: string, key: string) => {
    const keys = tagged.get(tag);
    keys?.delete(key);
    if (keys?.size === 0) tagged.delete(tag);
  };
  const entries = new LRUCache<string, Kept>({
    dispose({ tag }, key) {
      if (tag !== undefined) untag(tag, key);
    },
    maxSize: Math.max(1, maxBytes),
    maxEntrySize: Math.max(1, Math.floor(maxBytes * MAX_SHARE)),
    // A key has a byte for each character: its texts are ASCII or Latin-1.
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length + ENTRY_BYTES,
  });
  return {
    get: (key) => entries.get(key),
    set(key, kept) {
      entries.set(key, kept);
      const { tag } = kept;
      if (tag === undefined || !entries.has(key)) return;
      const keys = tagged.get(tag);
      if (keys === undefined) tagged.set(tag, new Set([key]));
      else keys.add(key);
    },
    delete: (key) => void entries.delete(key),
    deletePrefix(prefix) {
      for (const key of [...entries.keys()]) if (key.startsWith(prefix)) entries.delete(key);
    },
    deleteTagged(tag) {
      for (const key of [...(tagged.get(tag) ?? [])]) entries.delete(key);
    },
    clear: () => entries.clear(),
    get sizeBytes() {
      return entries.calculatedSize;
    },
    get entries() {
      return entries.size;
    },
  };
}
