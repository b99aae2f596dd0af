import { hostUrls } from '@rondo/base';
import { Client } from 'pg';
import { classify, DatabaseUnavailable } from './errors.js';
import { boundsOf } from './url-bounds.js';
import { withBounds } from './with-bounds.js';

const HOST_TIMEOUT_MS = 1_500;
/** The pause after a round in which no server suited: a connection to a standby that is refused costs more than one that fails. */
const PAUSE_MS = 100;
/** The least pause between two questions to a host, while statements take long. */
const LOOK_EVERY_MS = 250;
/** Which servers suit, as in libpq. */
const TARGETS = ['read-write', 'primary', 'any'] as const;
type Target = (typeof TARGETS)[number];

interface Answer {
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly timeline: number;
}

/** The driver's words if the pool tried no host. */
const NOT_TRIED = /(timeout exceeded when trying to connect|calling end on the pool)$/;

/** The timeline is in the name of the present WAL file, at once after a promotion; the control file has it after a checkpoint. */
const QUESTION = `
  SELECT standby, current_setting('transaction_read_only') = 'on' AS "readOnly",
    CASE WHEN standby THEN 0 ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline
  FROM pg_is_in_recovery() AS standby`;

/**
 * The hosts of a database's URL. If it has several, each new connection is asked whether its server is the primary, and for its
 * timeline, which each promotion increases: a primary with an earlier timeline than one seen before was replaced, and isn't used.
 */
export class Hosts {
  readonly #urls: ReturnType<typeof hostUrls>;
  readonly #target: Target;
  /** How long each of several hosts may take to connect, and then to answer: `connect_timeout`, by default 1.5 s. Milliseconds. */
  readonly timeoutMs: number;
  #at = 0;
  #latest = 0;
  /** The latest round in which no server suited. */
  #failed = { untilMs: 0, fault: new DatabaseUnavailable('no server was asked') };
  readonly #asked = new Set<string>();
  readonly #open = new Set<Client>();
  readonly #timelines = new WeakMap<Client, number>();

  /** @throws TypeError for a `target_session_attrs` under which the database could not be written to. */
  constructor(url: string) {
    this.#urls = hostUrls(url);
    this.timeoutMs = boundsOf(url).connectTimeoutMs ?? HOST_TIMEOUT_MS;
    const given = /[?&]target_session_attrs=([^&]*)/.exec(url)?.[1] ?? 'read-write';
    const target = TARGETS.find((known) => known === given);
    if (target === undefined) {
      const why = 'Rondo writes to the database and reads what it has written';
      throw new TypeError(
        `target_session_attrs=${given} in the URL of a database: ${why}, so give one of ${TARGETS.join(', ')}`,
      );
    }
    this.#target = target;
  }

  get count(): number {
    return this.#urls.length;
  }

  /** The URL of the host that is tried next. */
  get url(): string {
    return this.#urls[this.#at] ?? this.#urls[0];
  }

  /** Tries the hosts after this one first from now on. No effect if another host is tried first already. */
  leave(url: string): void {
    if (url === this.url) this.#at = (this.#at + 1) % this.count;
  }

  /**
   * Connects by `connect`, which tries `url`, to the first server that suits.
   *
   * @throws the only error, or a `DatabaseUnavailable` with all of them.
   */
  async first<T>(connect: () => Promise<T>): Promise<T> {
    const faults: string[] = [];
    if (performance.now() < this.#failed.untilMs) throw this.#failed.fault;
    for (;;) {
      const { url } = this;
      try {
        return await connect();
      } catch (error) {
        const fault = classify(error);
        if (this.count === 1 || !(fault instanceof DatabaseUnavailable) || NOT_TRIED.test(fault.message)) throw fault;
        this.leave(url);
        faults.push(fault.message);
        if (faults.length < this.count) continue;
        this.#failed = {
          untilMs: performance.now() + PAUSE_MS,
          fault: new DatabaseUnavailable(faults.join('; '), fault.cause),
        };
        throw this.#failed.fault;
      }
    }
  }

  /**
   * Checks that a new connection's server suits, and closes the connections to servers that it has replaced.
   *
   * @throws DatabaseUnavailable if the server doesn't suit or doesn't answer.
   */
  async check(client: Client): Promise<void> {
    if (this.count === 1 || this.#target === 'any') return;
    const asked = client.query<Answer>(QUESTION);
    const [answer] = (await withBounds(asked, { timeoutMs: this.timeoutMs }, () => breakOff(client))).rows;
    const refuse = (why: string) => new DatabaseUnavailable(`PostgreSQL at ${client.host}:${client.port} ${why}`);
    if (answer === undefined || answer.standby) throw refuse('is a standby');
    const { readOnly, timeline } = answer;
    if (readOnly && this.#target === 'read-write') throw refuse('only reads');
    if (timeline < this.#latest)
      throw refuse(`was replaced: its timeline is ${timeline}, and ${this.#latest} was seen`);
    this.#latest = timeline;
    this.#failed.untilMs = 0;
    this.#timelines.set(client, timeline);
    this.#open.add(client);
    client.once('end', () => this.#open.delete(client));
    for (const open of this.#open) {
      if (!this.isReplaced(open)) continue;
      void open.end();
      breakOff(open);
    }
  }

  /** Asks all hosts, as when a statement takes long: its server may be frozen, or was replaced and waits for its former standby. */
  look(): void {
    for (const [at, url] of this.#urls.entries()) {
      if (this.#asked.has(url)) continue;
      this.#asked.add(url);
      // If its server doesn't suit, the statement goes on.
      void this.#ask(url, at).catch(() => undefined);
    }
  }

  async #ask(url: string, at: number): Promise<void> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: this.timeoutMs });
    client.on('error', () => undefined); // `connect` or `check` throws it
    try {
      await client.connect();
      await this.check(client);
      this.#at = at;
    } finally {
      setTimeout(() => this.#asked.delete(url), LOOK_EVERY_MS).unref();
      void client.end();
    }
  }

  /** Whether the connection's server was replaced by a primary of a later timeline. */
  isReplaced(client: Client): boolean {
    return (this.#timelines.get(client) ?? this.#latest) < this.#latest;
  }
}

/** Closes a connection that the driver ends: it would wait for the answers to what it has sent, if it pipelines. */
export function breakOff({ connection }: Client): void {
  connection?.stream.destroy(); // a client of libpq has none
}

const known = new Map<string, Hosts>();

/** What this process knows about the hosts of a URL: all pools and listeners of the URL share it. */
export function hostsOf(url: string): Hosts {
  const hosts = known.get(url) ?? new Hosts(url);
  if (hosts.count > 1) known.set(url, hosts);
  return hosts;
}
