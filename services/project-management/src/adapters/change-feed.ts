import { type Change, projectIdOf, resourceOf } from '../domain/change.js';
import type { ChangeFeed, Subscription } from '../domain/ports.js';

/** A change feed within this process. */
export interface InProcessChangeFeed extends ChangeFeed {
  /** How many subscriptions are open. */
  readonly subscriptions: number;
  /** Ends them all. */
  close(reason: Error): void;
}

/** How many changes wait for a slow reader before all but the latest of each resource are dropped. */
const MAX_PENDING = 256;

/** Makes a feed that reaches the watchers of this process. */
export function createChangeFeed({ maxPending = MAX_PENDING } = {}): InProcessChangeFeed {
  const byProject = new Map<string, Set<Mailbox>>();

  const remove = (projectId: string, mailbox: Mailbox): void => {
    const mailboxes = byProject.get(projectId);
    mailboxes?.delete(mailbox);
    if (mailboxes?.size === 0) byProject.delete(projectId);
  };

  return {
    get subscriptions() {
      return [...byProject.values()].reduce((count, mailboxes) => count + mailboxes.size, 0);
    },
    publish(change) {
      for (const mailbox of byProject.get(projectIdOf(change)) ?? []) mailbox.put(change);
    },
    interrupt(projectId, reason) {
      for (const mailbox of byProject.get(projectId) ?? []) mailbox.fail(reason);
    },
    subscribe(projectId, signal) {
      const mailbox = new Mailbox({ maxPending, signal, onClose: () => remove(projectId, mailbox) });
      const mailboxes = byProject.get(projectId) ?? new Set();
      byProject.set(projectId, mailboxes.add(mailbox));
      return mailbox;
    },
    close(reason) {
      for (const mailboxes of byProject.values()) for (const mailbox of mailboxes) mailbox.fail(reason);
    },
  };
}

interface MailboxOptions {
  readonly maxPending: number;
  readonly signal: AbortSignal;
  readonly onClose: () => void;
}

/** What waits for one reader. */
class Mailbox implements Subscription {
  readonly #options: MailboxOptions;
  #pending: Change[] = [];
  #capacity: number;
  #end: { readonly reason?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#capacity = options.maxPending;
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  put(change: Change): void {
    if (this.#end !== undefined) return;
    this.#pending.push(change);
    if (this.#pending.length > this.#capacity) this.#coalesce();
    this.#wake?.();
  }

  fail(reason: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#pending = [];
    this.#wake?.();
  }

  close(): void {
    this.#end ??= {};
    this.#pending = [];
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#options.onClose();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change, void, undefined> {
    for (;;) {
      const change = this.#pending.shift();
      if (change !== undefined) yield change;
      else if (this.#end === undefined) await this.#changed();
      else if ('reason' in this.#end) throw this.#end.reason;
      else return;
    }
  }

  readonly #onAbort = (): void => this.fail(this.#options.signal.reason);

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Keeps the latest change of each resource, in the order of those; room for as many again makes it rare. */
  #coalesce(): void {
    const latest = new Map<string, Change>();
    for (const change of this.#pending) {
      const { id } = resourceOf(change);
      latest.delete(id);
      latest.set(id, change);
    }
    this.#pending = [...latest.values()];
    this.#capacity = Math.max(this.#options.maxPending, 2 * this.#pending.length);
  }
}
