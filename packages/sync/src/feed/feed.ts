import type { Database } from '@rondo/database';
import { singleFlight } from '../coalesce.js';
import { WatchAborted, WatchUnavailable } from '../errors.js';
import { type Anchor, type Change, readHead, readOn } from '../history.js';
import type { OnSyncEvent } from '../options.js';
import type { OutageLog } from '../outage.js';
import { createMailbox, type Mailbox } from './mailbox.js';

const PAGE = 500;

/** What a feed needs. */
export interface FeedOptions {
  readonly database: Database;
  readonly mailboxSize: number;
  readonly outageMs: number;
  readonly now: () => number;
  readonly onEvent: OnSyncEvent;
  readonly outage: OutageLog;
}

/** One topic, from one place on. */
export interface Subscription {
  /** Every change of the topic after this reaches the mailbox. */
  readonly since: Anchor;
  readonly mailbox: Mailbox;
  /** Ends it; nothing comes into the mailbox any more. */
  close(): void;
}

/** Reads the history as it grows, once for a whole process, and hands each change to those who follow its topic. */
export interface Feed {
  /** How far it has read; rejects when that can't be found out, or the database is away. */
  head(): Promise<Anchor>;
  /** Follows a topic from `head` on, as of this moment; only once that is known. */
  subscribe(topic: string): Subscription;
  /** There may be something new, up to this position; undefined is unknown. */
  wake(position: bigint | undefined): void;
  /** Reads what is there now; rejects when it can't. */
  catchUp(): Promise<void>;
  /** Tells watchers when the database has been away for too long. */
  checkOutage(): void;
  /** Ends all subscriptions and waits for what is under way. */
  close(reason: Error): Promise<void>;
}

/** Makes a feed; it reads nothing before somebody asks for its head. */
export function createFeed(options: FeedOptions): Feed {
  const { database, now, outage } = options;
  const subscribers = createSubscribers(options);
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
        subscribers.fail(new WatchAborted('the history that was followed is gone: go on from the last resume token'));
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
    if (head === undefined || closed !== undefined) return; // nobody follows yet
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
      subscribers.fail(new WatchUnavailable('the database is away: go on from the last resume token'));
    },
    async close(reason) {
      closed = reason;
      subscribers.fail(reason);
      await advance.idle();
    },
  };
}

type Options = Pick<FeedOptions, 'mailboxSize' | 'onEvent'>;

/** Who follows what. */
function createSubscribers({ mailboxSize, onEvent }: Options) {
  const byTopic = new Map<string, Set<Mailbox>>();

  const remove = (topic: string, mailbox: Mailbox): void => {
    const mailboxes = byTopic.get(topic);
    mailboxes?.delete(mailbox);
    if (mailboxes?.size === 0) byTopic.delete(topic);
  };
  const announce = (changes: readonly Change[]): void => {
    const [oldest] = changes;
    const newest = changes.at(-1);
    if (oldest === undefined || newest === undefined) return;
    const lagMs = Date.now() - oldest.createTime.getTime();
    onEvent({ kind: 'received', changes: changes.length, position: newest.position, lagMs });
  };

  return {
    add(topic: string) {
      const mailbox = createMailbox(mailboxSize, () => onEvent({ kind: 'overflowed', topic }));
      byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(mailbox));
      return { mailbox, close: () => remove(topic, mailbox) };
    },
    dispatch(changes: readonly Change[]) {
      for (const change of changes) for (const mailbox of byTopic.get(change.topic) ?? []) mailbox.put(change);
      announce(changes);
    },
    fail(reason: Error) {
      for (const mailboxes of byTopic.values()) for (const mailbox of mailboxes) mailbox.fail(reason);
    },
  };
}
