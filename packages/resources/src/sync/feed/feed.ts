import type { Database } from '@rondo/database';
import { singleFlight } from '../coalesce.js';
import { watchErrors } from '../errors.js';
import { type Anchor, type Change, readHead, readOn } from '../history.js';
import type { OutageLog } from '../outage.js';
import { createMailbox, type Mailbox } from './mailbox.js';

const PAGE = 500;

export interface FeedOptions {
  readonly database: Database;
  readonly mailboxSize: number;
  readonly outageMs: number;
  readonly now: () => number;
  readonly outage: OutageLog;
}

/** A subscription to one topic. */
export interface Subscription {
  /** Every change of the topic after this position reaches the mailbox. */
  readonly since: Anchor;
  readonly mailbox: Mailbox;
  /** Ends the subscription: no more changes reach the mailbox. */
  close(): void;
}

/** Reads the growing history once per process, and distributes each change to the subscribers of its topic. */
export interface Feed {
  /** The position that it has read up to. Rejects if that can't be read, or if the database is unavailable. */
  head(): Promise<Anchor>;
  /** Subscribes to a topic from the current head on. Call `head` first. */
  subscribe(topic: string): Subscription;
  /** Announces new changes up to this position; undefined if the position is unknown. */
  wake(position: bigint | undefined): void;
  /** Reads everything that is in the history now; rejects if it can't. */
  catchUp(): Promise<void>;
  /** Ends the subscriptions if the database has been unavailable for too long. */
  checkOutage(): void;
  /** Ends all subscriptions and waits for the current read. */
  close(reason: Error): Promise<void>;
}

/** Creates a feed. It reads nothing before the first call of `head`. */
export function createFeed(options: FeedOptions): Feed {
  const { database, now, outage } = options;
  const subscribers = createSubscribers(options.mailboxSize);
  let head: Anchor | undefined;
  let closed: Error | undefined;
  let lastGoodAt = now();

  const advance = singleFlight(async () => {
    head ??= await readHead(database);
    for (;;) {
      const changes = await readOn(database, head, PAGE);
      lastGoodAt = now();
      if (closed !== undefined) return;
      if (changes === undefined) {
        subscribers.fail(watchErrors.HISTORY_TRIMMED());
        head = await readHead(database);
        continue;
      }
      subscribers.dispatch(changes);
      head = changes.at(-1) ?? head;
      if (changes.length < PAGE) return;
    }
  });
  const isStale = (): boolean => now() - lastGoodAt > options.outageMs;
  const wake: Feed['wake'] = (position) => {
    if (head === undefined || closed !== undefined) return; // there are no subscribers yet
    if (position !== undefined && position <= head.position) return;
    advance.run().then(outage.succeeded, outage.failed);
  };

  return {
    wake,
    catchUp: () => advance.run(),
    async head() {
      if (head === undefined || isStale()) await advance.run();
      if (head === undefined) throw closed ?? new Error('the feed read nothing');
      return head;
    },
    subscribe(topic) {
      if (closed !== undefined) throw closed;
      if (head === undefined) throw new Error('ask for the head first');
      return { since: head, ...subscribers.add(topic) };
    },
    checkOutage() {
      if (head === undefined || !isStale()) return;
      subscribers.fail(watchErrors.DATABASE_AWAY());
    },
    async close(reason) {
      closed = reason;
      subscribers.fail(reason);
      await advance.idle();
    },
  };
}

/** The mailboxes of all subscriptions, by topic. */
function createSubscribers(mailboxSize: number) {
  const byTopic = new Map<string, Set<Mailbox>>();

  const remove = (topic: string, mailbox: Mailbox): void => {
    const mailboxes = byTopic.get(topic);
    mailboxes?.delete(mailbox);
    if (mailboxes?.size === 0) byTopic.delete(topic);
  };

  return {
    add(topic: string) {
      const mailbox = createMailbox(mailboxSize);
      byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(mailbox));
      return { mailbox, close: () => remove(topic, mailbox) };
    },
    dispatch(changes: readonly Change[]) {
      for (const change of changes) for (const mailbox of byTopic.get(change.topic) ?? []) mailbox.put(change);
    },
    fail(reason: Error) {
      for (const mailboxes of byTopic.values()) for (const mailbox of mailboxes) mailbox.fail(reason);
    },
  };
}
