import { createHash } from 'node:crypto';
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { LEASE_MS, type SharedStore, type StorePlugin } from '@rondo/cache';
import { backgroundClock, sleep } from '@rondo/rpc/clock';
import { createBreaker } from './breaker.js';

type StoreOptions = Parameters<StorePlugin['open']>[0];
type Taken = Awaited<ReturnType<SharedStore['take']>>;

/** Options of {@link createRedisStore}. */
export interface RedisStoreOptions extends StoreOptions {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. The server is Redis 6.2 or later, or Valkey. */
  readonly url: string;
  /** How long a command may take, in milliseconds. 50 by default: a longer wait would cost more than most calls. */
  readonly timeoutMs?: number;
}

const RETRY_MS = 500;
/** The probes without an answer after which a connection counts as dead. */
const PROBES_UNTIL_NEW = 6;
/** The probes without an answer after which an attempt to connect counts as failed. */
const PROBES_UNTIL_RECONNECTED = 60;
const ALONE = 'answers are kept in memory alone';
const MAX_QUEUED = 1_000;
/** A server that became a replica, by a failover, takes no writes. A new connection may lead to the one in its place. */
const READ_ONLY = /\bREADONLY\b/;
/** Its removal is a write without an effect. */
const NO_KEY = 'rondo:cache:';
/** A larger value is none of ours: it isn't even read. */
const MAX_VALUE_BYTES = 1024 * 1024 + 1024;
/** When it is looked again whether another process has stored the value that it is getting. */
const WAITS_MS = [2, 5, 10, 20] as const;

/** Returns the value, or stores a lease in its place and returns that. A value that is too large is replaced by a lease, too. */
const TAKE = script(`
  local size = redis.pcall('STRLEN', KEYS[1])
  if type(size) == 'number' and size > 0 and size <= tonumber(ARGV[3]) then return redis.call('GET', KEYS[1]) end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]`);

/** Stores a value in the place of its lease. */
const FILL = script(`
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`);

interface Script {
  readonly text: string;
  readonly digest: string;
}

function script(text: string): Script {
  return { text, digest: createHash('sha1').update(text).digest('hex') };
}

const LEASE_PREFIX = 'lease ';
const LEASE_LENGTH = LEASE_PREFIX.length + 32;

/** Connects to a Redis server in the background. */
export function createRedisStore(options: RedisStoreOptions): SharedStore {
  const { url, random, log, timeoutMs = 50, onError = () => undefined } = options;
  const clock = backgroundClock(options.clock);
  const where = new URL(url).host;
  /** Whether the server has ever answered. */
  let seen = false;
  let connection = connect(url, onFault);
  const breaker = createBreaker({
    clock,
    timeoutMs,
    retryMs: RETRY_MS,
    probe: () => answerOf(() => connection.unlink(NO_KEY)),
    onChange(open, reason) {
      if (!open) log.info({}, `the cache at ${where} is ${seen ? 'back' : 'there'}`);
      else if (seen) log.warn({ reason: String(reason) }, `the cache at ${where} is away; ${ALONE}`);
      else log.info({ reason: String(reason) }, `the cache at ${where} isn't there yet; ${ALONE}`);
      seen ||= !open;
    },
    onProbeFailed(failures) {
      if (failures % (connection.isReady() ? PROBES_UNTIL_NEW : PROBES_UNTIL_RECONNECTED) !== 0) return;
      // A frozen server, or one that vanished, closes no connection.
      connection.destroy();
      connection = connect(url, onFault);
    },
  });
  function onFault(error: unknown): void {
    breaker.open(error);
  }

  const answerOf = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      // The server is there and has refused: of a key with another type, for example.
      if (!READ_ONLY.test(error.message)) return undefined;
      breaker.open(error);
      throw error;
    }
  };
  const run = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    // While the client connects, there is nothing to wait for.
    if (!connection.isReady()) return undefined;
    const result = await breaker.run(async () => {
      const answer = await answerOf(work);
      seen = true;
      return answer;
    });
    if (result === undefined) onError();
    return result;
  };
  const takeOnce = async (key: string): Promise<Taken | undefined> => {
    const lease = LEASE_PREFIX + random.hex(16);
    const limits = [lease, String(LEASE_MS), String(MAX_VALUE_BYTES)];
    const value = await run(() => connection.evaluate(TAKE, key, limits));
    if (!Buffer.isBuffer(value)) return { kind: 'none' };
    if (value.length !== LEASE_LENGTH || value.toString('latin1', 0, LEASE_PREFIX.length) !== LEASE_PREFIX) {
      return { kind: 'found', value };
    }
    return value.toString('latin1') === lease ? { kind: 'lease', lease } : undefined;
  };
  return {
    async take(key) {
      for (const waitMs of WAITS_MS) {
        const taken = await takeOnce(key);
        if (taken !== undefined) return taken;
        await sleep(clock, waitMs);
      }
      return (await takeOnce(key)) ?? { kind: 'none' };
    },
    fill(key, { lease, value, ttlMs }) {
      const given = [lease, Buffer.from(value.buffer, value.byteOffset, value.byteLength), String(Math.floor(ttlMs))];
      void run(() => connection.evaluate(FILL, key, given));
    },
    remove: async (key) => (await run(() => connection.unlink(key))) !== undefined,
    close() {
      breaker.close();
      connection.destroy();
    },
  };
}

/** One connection, which is made again whenever it breaks. */
function connect(url: string, onFault: (error: unknown) => void) {
  const client = createClient({
    url,
    name: 'rondo-cache',
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED,
    socket: { connectTimeout: 1_000, reconnectStrategy: (retries) => Math.min(2_000, 50 * 2 ** Math.min(retries, 6)) },
  });
  client.on('error', onFault);
  // The strategy never gives up; the promise rejects if the client is destroyed meanwhile.
  client.connect().catch(onFault);
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    isReady: () => client.isReady,
    unlink: (key: string) => client.unlink(key),
    async evaluate({ text, digest }: Script, key: string, given: readonly (string | Buffer)[]): Promise<unknown> {
      try {
        return await binary.sendCommand(['EVALSHA', digest, '1', key, ...given]);
      } catch (error) {
        if (!(error instanceof ErrorReply && error.message.startsWith('NOSCRIPT'))) throw error;
        return await binary.sendCommand(['EVAL', text, '1', key, ...given]);
      }
    },
    destroy: () => client.destroy(),
  };
}
