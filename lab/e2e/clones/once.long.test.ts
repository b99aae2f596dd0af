/** A service made by `rondo new service --with-database` carries out each call once, whatever is lost or dies. */

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createPool } from '@rondo/database';
import { freePort, type RunningProcess, start, startRegistry, startService, until } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { type Clone, cloneRepository } from '../src/repository.js';

const TIMEOUT_MS = 600_000;
const ENTRIES = 1_000;

const CONTRACT = `// Keeps entries.
syntax = "proto3";

package ledger.v1;

import "rondo/options/v1/options.proto";

// Keeps entries.
service LedgerService {
  // Makes an entry.
  rpc CreateEntry(CreateEntryRequest) returns (Entry) {
    option idempotency_level = IDEMPOTENCY_UNKNOWN;
    option (rondo.options.v1.method) = {
      timeout: {seconds: 5}
      idempotency: {field: "request_id"}
    };
  }
}

// An entry.
message Entry {
  int64 id = 1;
  string text = 2;
}

// Request of \`CreateEntry\`.
message CreateEntryRequest {
  string text = 1;
  string request_id = 2;
}
`;

/** No line is about keys. */
const HANDLERS = `import type { LedgerServiceDefinition } from '@rondo/contracts/ledger/v1/ledger';
import type { Database } from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import type { Handlers } from '@rondo/rpc/server';

interface Row {
  readonly id: bigint;
  readonly text: string;
}

/** The handlers of \`ledger.v1.LedgerService\`. */
export const ledger = (database: Database): Handlers<typeof LedgerServiceDefinition> => ({
  createEntry: ({ text }) =>
    database.transaction(
      (transaction) => transaction.one<Row>('INSERT INTO entries (text) VALUES ($1) RETURNING id, text', [text]),
      currentWorkLimits(),
    ),
});
`;

const MIGRATION = 'CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);\n';

let clone: Clone;
let folder: string;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  clone = await cloneRepository();
  folder = mkdtempSync(join(tmpdir(), 'rondo-once-'));
  writeFileSync(join(folder, 'ledger.proto'), CONTRACT);
  const made = await clone.rondo(
    ...['new', 'service', 'ledger', '--proto', join(folder, 'ledger.proto'), '--with-database', '--skip-test'],
  );
  expect(made).toMatchObject({ code: 0 });
  const service = join(clone.root, 'services/ledger');
  const app = join(service, 'src/app.ts');
  writeFileSync(join(service, 'src/ledger.ts'), HANDLERS);
  writeFileSync(join(service, 'migrations/0001_ledger.sql'), MIGRATION);
  writeFileSync(
    app,
    readFileSync(app, 'utf8').replace('LedgerServiceDefinition, ledger)', 'LedgerServiceDefinition, ledger(database))'),
  );
  copyFileSync(fileURLToPath(new URL('../src/ledger-caller.mjs', import.meta.url)), join(service, 'caller.mjs'));
  expect(await clone.node('scripts/rondo.mjs', 'build')).toMatchObject({ code: 0 });
}, TIMEOUT_MS);
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  clone.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A process that is killed and started again. */
async function restartable(begin: () => Promise<RunningProcess>) {
  let running = await begin();
  closing.push(() => running.stop('SIGKILL'));
  return {
    hasEnded: () => running.hasEnded,
    async killAndRestart() {
      await running.stop('SIGKILL');
      running = await begin();
    },
  };
}

/** Makes the entries while each process is killed at a random time, and gives what is there then. */
async function carryOut(name: string, keyed: boolean) {
  const home = mkdtempSync(join(folder, name));
  const postgres = await startPostgres(home);
  closing.push(() => postgres.stop());
  const url = await postgres.createDatabase('ledger');
  const registry = await startRegistry({ warmingMs: 500 });
  closing.push(() => registry.stop('SIGKILL'));
  const replicas = await Promise.all(
    ['ledger-1', 'ledger-2'].map(async (instanceId) => {
      const listen = `127.0.0.1:${await freePort()}`;
      const options = { root: clone.root, instanceId, listen, registry: registry.address, env: { DATABASE_URL: url } };
      return restartable(() => startService('ledger', options));
    }),
  );
  const ledger = join(home, 'ledger');
  const settings = JSON.stringify({
    contract: '@rondo/contracts/ledger/v1/ledger',
    registry: registry.address,
    entries: ENTRIES,
    ledger,
    keyed,
  });
  const options = { cwd: clone.root, env: { LEDGER_CALLER: settings }, ipc: true };
  const caller = await restartable(async () => start(process.execPath, ['services/ledger/caller.mjs'], options));
  const lines = (what: string) =>
    existsSync(ledger)
      ? readFileSync(ledger, 'utf8')
          .split('\n')
          .filter((line) => line.startsWith(what))
      : [];
  const untilMade = (count: number) =>
    until(() => (lines('made ').length >= count || caller.hasEnded() ? true : undefined), {
      what: `${count} entries were answered`,
      timeoutMs: TIMEOUT_MS / 4,
    });

  const victims = [caller, ...replicas, { killAndRestart: () => postgres.restart('SIGKILL') }, caller];
  for (const [index, victim] of victims.entries()) {
    await untilMade(Math.round(((index + Math.random()) / victims.length) * ENTRIES));
    await victim.killAndRestart();
  }
  await untilMade(ENTRIES);
  const database = createPool({ url, maxConnections: 1 });
  const counts = await database
    .one<{ rows: number; texts: number }>(
      'SELECT count(*)::int AS rows, count(DISTINCT text)::int AS texts FROM entries',
    )
    .finally(() => database.close());
  const answers = new Set(lines('made ').map((line) => line.split(' ')[2]));
  return { ...counts, answers: answers.size, lost: lines('lost').length };
}

it(
  'makes exactly 1,000 entries of 1,000 creates; without keys that outlive a call there are doubles',
  async () => {
    const [keyed, control] = [await carryOut('keyed-', true), await carryOut('control-', false)];
    process.stdout.write(
      `1,000 creates: ${keyed.rows} rows, ${keyed.lost} replies lost; control: ${control.rows} rows\n`,
    );
    expect(keyed).toMatchObject({ rows: ENTRIES, texts: ENTRIES, answers: ENTRIES });
    expect(keyed.lost).toBeGreaterThan(0);
    expect(control.texts).toBe(ENTRIES);
    expect(control.rows).toBeGreaterThan(ENTRIES);
  },
  TIMEOUT_MS,
);
