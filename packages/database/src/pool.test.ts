import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { filePostgres } from '../test/postgres.js';
import {
  CheckViolation,
  DatabaseUnavailable,
  ForeignKeyViolation,
  LockTimeout,
  StatementTimeout,
  UnexpectedRowCount,
  UniqueViolation,
} from './errors.js';
import { createPool } from './pool.js';
import type { Database, Queries, Transaction } from './sql.js';
import { clockIsShifted, eventually, withoutBounds } from './testing/test-postgres.js';
import { boundsOf } from './url-bounds.js';

/** For tests in which the server must end a statement. */
const onTime = clockIsShifted ? it.skip : it;

const postgres = filePostgres();
let url: string;
let database: Database;

beforeAll(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url, applicationName: 'main' });
  await database.query('CREATE TABLE parent (id int PRIMARY KEY)');
  await database.query(
    'CREATE TABLE item (id int CONSTRAINT item_key PRIMARY KEY, stock int CONSTRAINT item_stock CHECK (stock >= 0),' +
      ' parent int CONSTRAINT item_parent REFERENCES parent)',
  );
});

/** The number of connections of an application. */
async function connected(application: string, condition = 'true'): Promise<bigint> {
  const sql = `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`;
  return (await database.one<{ count: bigint }>(sql, [application])).count;
}

/** The number of statements of an application that the server is running. */
const running = (application: string) => connected(application, "state = 'active'");

it('outlives a server that ends in the packet in which it opens a connection', async () => {
  const message = (type: string, body: string) => {
    const bytes = Buffer.from(`${type}1234${body}`, 'latin1');
    bytes.writeInt32BE(4 + body.length, 1);
    return bytes;
  };
  const dying = createServer((socket) => {
    const fatal = message('E', 'SFATAL\0VFATAL\0C57P01\0Munexpected postmaster exit\0Rx\0\0');
    socket.once('data', () => socket.end(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), fatal])));
  });
  await once(dying.listen(0, '127.0.0.1'), 'listening');
  const address = dying.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const pool = createPool({ url: `postgres://a:b@127.0.0.1:${port}/c` });
  await expect(pool.check()).rejects.toThrow(DatabaseUnavailable);
  await pool.close();
  await once(dying.close(), 'close');
});

describe('values', () => {
  it('keeps every integer of 64 bits', async () => {
    const row = await database.one('SELECT $1::int8 AS max, $2::int8 AS min, $3::int8[] AS list', [
      9223372036854775807n,
      -9223372036854775808n,
      [9007199254740993n, null],
    ]);
    expect(row).toEqual({ max: 9223372036854775807n, min: -9223372036854775808n, list: [9007199254740993n, null] });
  });

  it('reads numeric and date as text, and timestamptz as a Date', async () => {
    const row = await database.one(
      "SELECT '0.10'::numeric AS n, '{1.10}'::numeric[] AS ns, '2024-02-29'::date AS d, '{2024-02-29}'::date[] AS ds," +
        " '2024-02-29T12:00:00+02'::timestamptz AS t",
    );
    const t = new Date('2024-02-29T10:00:00Z');
    expect(row).toEqual({ n: '0.10', ns: ['1.10'], d: '2024-02-29', ds: ['2024-02-29'], t });
  });

  it('reads each text of an array', async () => {
    const texts = ['', 'a b', 'a,b', '{}', '"', '\\', '\\"', 'NULL', 'null', null, 'd\u00e9j\u00e0\nvu'];
    const row = await database.one(
      'SELECT $1::text[] AS list, ARRAY[]::text[] AS none, ARRAY[[1, 2], [3, NULL]]::int8[] AS nested',
      [texts],
    );
    expect(row).toEqual({
      list: texts,
      none: [],
      nested: [
        [1n, 2n],
        [3n, null],
      ],
    });
  });

  it.each([
    '2024-02-29T12:00:00.123456Z',
    '0099-01-01T00:00:00.1Z',
    '1969-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59Z',
  ])('reads the time %s in any zone, to the millisecond', async (time) => {
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns']) {
      const { at } = await database.transaction(async (transaction) => {
        await transaction.query("SELECT set_config('TimeZone', $1, true)", [zone]);
        return transaction.one<{ at: Date }>('SELECT $1::timestamptz AS at', [time]);
      });
      expect(at).toEqual(new Date(time));
    }
  });
});

describe('rows', () => {
  it('reports the number of rows if it is unexpected', async () => {
    await expect(database.one('SELECT 1 WHERE false')).rejects.toMatchObject({ rowCount: 0 });
    await expect(database.one('SELECT generate_series(1, 2)')).rejects.toBeInstanceOf(UnexpectedRowCount);
    await expect(database.maybeOne('SELECT generate_series(1, 2)')).rejects.toBeInstanceOf(UnexpectedRowCount);
    await expect(database.maybeOne('SELECT 1 WHERE false')).resolves.toBeUndefined();
  });

  it('refuses a second statement in the text', async () => {
    await expect(database.query('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: '42601' });
  });
});

/** Whether a statement succeeds: on a busy machine, a new connection may take too long. */
const serves = (pool: Database) =>
  pool.check().then(
    () => true,
    () => false,
  );

describe('errors', () => {
  it('names the violated constraint', async () => {
    await database.query('INSERT INTO item VALUES (1, 1, NULL)');
    const insert = (...row: (number | null)[]) => database.query('INSERT INTO item VALUES ($1, $2, $3)', row);
    await expect(insert(1, 1, null)).rejects.toMatchObject({ constraint: 'item_key', sqlState: '23505' });
    await expect(insert(1, 1, null)).rejects.toBeInstanceOf(UniqueViolation);
    await expect(insert(2, -1, null)).rejects.toMatchObject({ constraint: 'item_stock' });
    await expect(insert(2, -1, null)).rejects.toBeInstanceOf(CheckViolation);
    await expect(insert(2, 1, 9)).rejects.toMatchObject({ constraint: 'item_parent' });
    await expect(insert(2, 1, 9)).rejects.toBeInstanceOf(ForeignKeyViolation);
    await database.query('CREATE TABLE part (item int CONSTRAINT part_item REFERENCES item ON DELETE RESTRICT)');
    await database.query('INSERT INTO part VALUES (1)');
    const referenced = database.query('DELETE FROM item');
    await expect(referenced).rejects.toMatchObject({ name: 'ForeignKeyViolation', constraint: 'part_item' });
    await database.query('DROP TABLE part');
  });

  it('passes other errors through', async () => {
    await expect(database.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
  });

  it('reports a missing server as unavailable, with the cause', async () => {
    const { freePort } = await import('./exports/testing.js');
    const away = postgres.pool({ url: `postgres://a:b@127.0.0.1:${await freePort()}/c` });
    await expect(away.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(away.check()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it.each([
    ['says that it cannot begin TLS', 'E'],
    ['ends the connection in the middle of the handshake', 'S'],
  ])('reports a server as unavailable that %s, as one does that starts or stops', async (_what, answer) => {
    const starting = createServer((socket) => void socket.once('data', () => socket.end(answer)));
    await once(starting.listen(0, '127.0.0.1'), 'listening');
    const { port } = starting.address() as AddressInfo;
    const pool = postgres.pool({ url: `postgres://a:b@127.0.0.1:${port}/c?sslmode=verify-full` });
    await expect(pool.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    starting.close();
  });

  it('reports a server without a free connection as unavailable', async () => {
    const admin = postgres.pool({ url });
    await admin.query("CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 0");
    const crowded = Object.assign(new URL(url), { username: 'crowded', password: 'crowded' }).href;
    const failure = await postgres
      .pool({ url: crowded })
      .check()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DatabaseUnavailable);
    expect(failure).toMatchObject({ cause: { code: '53300' } });
  });

  onTime('reports a statement that the server ended as timeout, and a full pool as unavailable', async () => {
    const small = postgres.pool({
      url: withoutBounds(url),
      maxConnections: 1,
      connectTimeoutMs: 300,
      statementTimeoutMs: 50,
    });
    await eventually('it is connected', () => serves(small));
    await expect(small.query('SELECT pg_sleep(60)')).rejects.toBeInstanceOf(StatementTimeout);
    await small.transaction(async () => {
      await expect(small.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    });
    await eventually('it serves again', () => serves(small));
  });

  it('does not wait for a frozen server', async () => {
    const pool = postgres.pool({ url: withoutBounds(url), maxConnections: 1, statementTimeoutMs: 1_000 });
    const { pid } = await pool.one<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(pool.check()).rejects.toThrow('PostgreSQL gave no answer within 2000 ms');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('it serves again', () => serves(pool));
  });

  it('has closed its connections when close resolves', async () => {
    const pool = postgres.pool({ url, applicationName: 'closing' });
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.01)')));
    expect(await connected('closing')).toBe(3n);
    await pool.close();
    expect(await connected('closing')).toBe(0n);
  });

  it('reports a closed pool as unavailable', async () => {
    const closed = postgres.pool({ url });
    await Promise.all([closed.close(), closed.close()]);
    await expect(closed.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
  });

  it('survives the loss of connections in use, idle and between statements', async () => {
    const errors: unknown[] = [];
    const pool = postgres.pool({ url, applicationName: 'lost', onError: (error) => errors.push(error) });
    const busy = expect(pool.query('SELECT pg_sleep(60)')).rejects.toBeInstanceOf(DatabaseUnavailable);
    const between = expect(
      pool.transaction(async (transaction) => {
        await transaction.query('SELECT 1');
        await eventually('the loss is noticed', () => errors.length > 0);
        await transaction.query('SELECT 1');
      }),
    ).rejects.toBeInstanceOf(DatabaseUnavailable);
    await pool.check();
    await eventually('three connections', async () => (await connected('lost')) === 3n);
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lost'");
    await Promise.all([busy, between]);
    await eventually('the pool has replaced its connections', () => serves(pool));
  });
});

describe('abort', () => {
  it('ends a running statement, here and in the server', async () => {
    const pool = postgres.pool({ url, applicationName: 'aborted' });
    const abort = new AbortController();
    const reason = new Error('the caller is gone');
    const sleeping = expect(pool.query('SELECT pg_sleep(60)', [], { signal: abort.signal })).rejects.toBe(reason);
    await eventually('the statement runs', async () => (await running('aborted')) === 1n);
    abort.abort(reason);
    await sleeping;
    await eventually('the server has ended it', async () => (await connected('aborted')) === 0n);
    await expect(pool.check()).resolves.toBeUndefined();
  });

  it('costs no connection if the statement ends in the time of grace, in a transaction or not', async () => {
    const pool = postgres.pool({ url, maxConnections: 1, applicationName: 'soon', abortGraceMs: 60_000 });
    const backend = async () => (await pool.one<{ pid: number }>('SELECT pg_backend_pid() AS pid')).pid;
    const before = await backend();
    const reason = new Error('the caller is gone');
    /** Aborts a statement that waits for a lock, and frees the lock. */
    const abortWaiting = async (lock: (signal: AbortSignal) => Promise<unknown>) => {
      const abort = new AbortController();
      await database
        .transaction(async (holder) => {
          await holder.query('LOCK TABLE parent');
          const waiting = expect(lock(abort.signal)).rejects.toBe(reason);
          await eventually('the statement waits', async () => (await running('soon')) === 1n);
          abort.abort(reason);
          return { waiting };
        })
        .then(({ waiting }) => waiting);
    };
    const read = 'SELECT FROM parent';
    await abortWaiting((signal) => pool.query(read, [], { signal }));
    await abortWaiting((signal) => pool.transaction((transaction) => transaction.query(read), { signal }));
    await expect(backend()).resolves.toBe(before);
  });

  it('ends the wait for a connection, and returns a connection that comes later', async () => {
    const pool = postgres.pool({ url, maxConnections: 1, applicationName: 'waiting' });
    const holder = new AbortController();
    const held = expect(pool.query('SELECT pg_sleep(60)', [], { signal: holder.signal })).rejects.toThrow();
    const waiter = new AbortController();
    const waiting = expect(pool.check({ signal: waiter.signal })).rejects.toThrow('no longer');
    waiter.abort(new Error('no longer'));
    await waiting;
    holder.abort();
    await held;
    await expect(pool.check()).resolves.toBeUndefined();
  });

  it('ends a transaction whose function ignores the signal, and frees its locks', async () => {
    const abort = new AbortController();
    let late: Promise<unknown> = Promise.resolve();
    const reached = new Promise<void>((resolve) => {
      late = database.transaction(
        async (transaction) => {
          await transaction.query('LOCK TABLE parent');
          resolve();
          await new Promise(() => undefined);
        },
        { signal: abort.signal },
      );
    });
    await reached;
    const ended = expect(late).rejects.toThrow();
    abort.abort();
    await ended;
    await expect(database.query('SELECT FROM parent')).resolves.toEqual([]);
  });

  it('starts nothing if the signal has aborted before', async () => {
    const signal = AbortSignal.abort(new Error('before'));
    await expect(database.query('SELECT 1', [], { signal })).rejects.toThrow('before');
    await expect(database.transaction(() => Promise.reject(new Error('ran')), { signal })).rejects.toThrow('before');
  });
});

describe('a statement with a name', () => {
  it('is prepared once on a connection, inside a transaction or not', async () => {
    const one = postgres.pool({ url: await postgres.createDatabase(), maxConnections: 1 });
    const add = (queries: Queries, n: bigint) =>
      queries.one<{ sum: bigint }>('SELECT $1::bigint + 1 AS sum', [n], { name: 'add_one' });
    await expect(add(one, 1n)).resolves.toEqual({ sum: 2n });
    await expect(one.transaction((transaction) => add(transaction, 2n))).resolves.toEqual({ sum: 3n });
    await expect(add(one, 3n)).resolves.toEqual({ sum: 4n });
    const sql = 'SELECT name, (generic_plans + custom_plans) AS runs FROM pg_prepared_statements';
    await expect(one.query(sql)).resolves.toEqual([{ name: 'add_one', runs: 3n }]);
  });
});

describe('a wait for a lock', () => {
  onTime('is bounded by the pool, except in a transaction without a statement timeout', async () => {
    const url = withoutBounds(await postgres.createDatabase());
    const [holder, waiter] = [postgres.pool({ url }), postgres.pool({ url, lockTimeoutMs: 50 })];
    await holder.query('CREATE TABLE held AS SELECT 1 AS id');
    await holder.prepare('rondo-holder', (transaction) => transaction.query('UPDATE held SET id = 2'));
    await expect(waiter.query('UPDATE held SET id = 3')).rejects.toThrow(LockTimeout);
    const work = async (transaction: Transaction) => {
      const [patient] = await transaction.query<{ lock_timeout: string }>('SHOW lock_timeout');
      return patient?.lock_timeout;
    };
    await expect(waiter.transaction(work)).resolves.toBe('50ms');
    await expect(waiter.transaction(work, { statementTimeoutMs: 0 })).resolves.toBe('0');
    await holder.commitPrepared('rondo-holder');
    await expect(waiter.query('UPDATE held SET id = 3 RETURNING id')).resolves.toEqual([{ id: 3 }]);
  });
});

it.each([
  ['connect_timeout=60', { connectTimeoutMs: 60_000 }],
  ['sslmode=require&connect_timeout=1&lock_timeout=20&x=y', { connectTimeoutMs: 1_000, lockTimeoutMs: 20 }],
  ['statement_timeout=1500', { statementTimeoutMs: 1_500 }],
  ['connect_timeout=0&statement_timeout=0&lock_timeout=0', {}],
  ['connect_timeout=soon&my_lock_timeout=9', {}],
  ['', {}],
])('an address may set timeouts: %s', (search, bounds) => {
  expect(boundsOf(`postgres://a:b@host:1/lock_timeout=7?${search}`)).toEqual(bounds);
});

it.each(['tls=on', 'sslMode=verify-full', 'x=y&ssl_mode=require'])('an address may not have %s', (search) => {
  expect(() => boundsOf(`postgres://a:b@host/c?${search}`)).toThrow(
    / in the URL of a database is none of ssl, sslmode/,
  );
});

it('a pool uses the connect timeout of its address rather than that of its options', async () => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => void sockets.push(socket));
  await once(mute.listen(0, '127.0.0.1'), 'listening');
  const address = mute.address();
  const url = `postgres://a:b@127.0.0.1:${typeof address === 'object' ? address?.port : ''}/c`;
  const pools = {
    'options: 1.5 s': postgres.pool({ url, connectTimeoutMs: 1_500 }),
    'address: 1 s, options: 60 s': postgres.pool({ url: `${url}?connect_timeout=1`, connectTimeoutMs: 60_000 }),
  };
  const gaveUp: string[] = [];
  const checks = Object.entries(pools).map(async ([name, pool]) => {
    await expect(pool.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    gaveUp.push(name);
  });
  try {
    await Promise.all(checks);
    expect(gaveUp).toEqual(['address: 1 s, options: 60 s', 'options: 1.5 s']);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  }
});
