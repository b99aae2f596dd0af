/** Streams the resources of a kind and their changes, whichever replica makes them. */
export interface ResourceFeed<T> {
  /**
   * Watches the resources. The watch starts with a snapshot and then streams every change once, in order. With a resume token it
   * streams the changes after that token.
   *
   * @throws ForeignResumeToken, `WatchAborted` or `WatchUnavailable` of @rondo/sync, or the signal's reason.
   */
  watch(watch: ResourceWatch): AsyncIterable<ResourceEvent<T>>;
}

/** Which resources are watched, and from which position. */
export interface ResourceWatch {
  /** The id of the resource to which they belong, such as the customer of orders; undefined for all. */
  readonly of?: string | undefined;
  /** On whose behalf they are watched; undefined for a process. */
  readonly watcher: Watcher | undefined;
  /** Begins without the resources that there are. */
  readonly fromNow: boolean;
  /** The token of the last event of an earlier watch; empty to begin with a snapshot. */
  readonly resumeToken: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** A person or a program that watches, and what it may do. A resume token is valid for the same one only. */
export interface Watcher {
  readonly issuer: string;
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** An event of a watch. The watch can be resumed after it with its token. */
export type ResourceEvent<T> =
  | {
      readonly kind: 'snapshot';
      readonly items: readonly T[];
      /** Whether it begins a new snapshot, which replaces everything before it. */
      readonly first: boolean;
      /** Whether another part of the same snapshot follows. */
      readonly more: boolean;
      readonly resumeToken: string;
    }
  | {
      /** After its creation or a change, deletions that can be undone included; removed if it doesn't exist any more. */
      readonly kind: 'changed' | 'removed';
      readonly item: T;
      readonly resumeToken: string;
    };
