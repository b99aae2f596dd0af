import { pascalCase } from '../words.js';

/** The service's own variables. */
export const renderConfig = (
  name: string,
  database: string,
): string => `import { type Config, url, variable } from '@rondo/service';

/** The variables that this service has beside the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://${database}:secret@127.0.0.1:5432/${database}',
    secret: true,
    description: 'The PostgreSQL database of the service: its own, which it brings up to date by itself.',
  }),
};

/** Their values. */
export type ${pascalCase(name)}Config = Config<typeof variables>;
`;

/** The adapter. Where the migrations are is app.ts's to say: its place beside them is the same in an image. */
export const renderDatabase = (
  name: string,
): string => `import { createPool, createReadinessCheck, type Database, describeUrl, type SchemaPart } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';

/** Where the database is, and what brings it up to date. */
export interface DatabaseOptions {
  /** \`postgres://role:password@host:port/database\`. */
  readonly url: string;
  /** The folder of the migrations. */
  readonly migrations: URL;
  /** Tables that packages bring along, such as \`syncSchema\` of \`@rondo/sync\`. */
  readonly parts?: readonly SchemaPart[];
  readonly log: Logger;
}

/** The service's database. */
export interface ServiceDatabase extends Database {
  /** What the service can't serve without: the database, up to date. */
  readonly dependency: { readonly name: string; readonly graceMs: number; check(signal: AbortSignal): Promise<void> };
}

/** A database that is restarted may take so long; then calls are turned away. */
const GRACE_MS = 10_000;

/**
 * Opens the database. It connects on first use, so one that is away is waited for. Give \`currentBounds()\` of
 * \`@rondo/rpc/call\` to what is done for a call, as its options: it ends with the call, and waits for a restart until then.
 */
export function openDatabase({ url, migrations, parts = [], log }: DatabaseOptions): ServiceDatabase {
  const pool = createPool({
    url,
    applicationName: '${name}',
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const check = createReadinessCheck(pool, {
    directory: migrations,
    parts,
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });
  return { ...pool, dependency: { name: \`the \${describeUrl(url)}\`, graceMs: GRACE_MS, check } };
}
`;

/** The first migration. */
export const renderMigration = (
  name: string,
): string => `-- What ${name} keeps. A migration that has been applied is never changed: the next one is 0002_<what>.sql.

CREATE TABLE entries (
  id text PRIMARY KEY,
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
`;
