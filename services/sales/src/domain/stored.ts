import { Deleted, StaleEtag } from './errors.js';
import type { ResourceKind } from './names.js';

/** What the database adds to everything that it keeps. */
export interface Stored {
  readonly id: string;
  /** Counts the changes. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** What can be deleted, and brought back. */
export interface Deletable extends Stored {
  /** Undefined where it isn't deleted. */
  readonly deleteTime: Date | undefined;
}

/** What only the store knows of something. */
export type StoredOnly = keyof Deletable;

/** Which fields have changed since a caller has read something; undefined where it is as it was, or nobody asks. */
export type ChangesSinceRead<T> = (present: T) => readonly string[] | undefined;

/** @throws StaleEtag where it isn't as its caller has read it. */
export function requireAsRead<T extends Stored>(kind: ResourceKind, present: T, changes: ChangesSinceRead<T>): void {
  const changed = changes(present);
  if (changed !== undefined) throw new StaleEtag(kind, present.id, changed);
}

/** What isn't deleted. @throws Deleted */
export function live<T extends Deletable>(kind: ResourceKind, resource: T): T {
  if (resource.deleteTime !== undefined) throw new Deleted(kind, [resource.id]);
  return resource;
}

/** Whether any of the fields is another than that of what is there; all of them are plain data. */
export function differs<T extends object>(present: T, fields: Partial<T>): boolean {
  const there = new Map<string, unknown>(Object.entries(present));
  return Object.entries(fields).some(([key, value]) => textOf(value) !== textOf(there.get(key)));
}

/** The same for what is alike, in whatever order its keys are. */
function textOf(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
