import { pascalCase } from '../words.js';
import { handlersFile, renderApp, renderHandlers } from './app.js';
import { type Blueprint, type NamedResource, type NamedService, resourcesOf } from './blueprint.js';
import { renderTables } from './migration.js';
import { renderResources } from './resources.js';
import { renderTest } from './test-file.js';

/** A rendered file: its path from the repository's root, and its text before formatting. */
export type RenderedFile = readonly [file: string, text: string];

/** Renders the files of a new service, in the same layout as the other services. */
export function renderService(blueprint: Blueprint): readonly RenderedFile[] {
  const { name, database, services } = blueprint;
  const folder = `services/${name}`;
  const resources = resourcesOf(services);
  const databaseFiles = (role: string): readonly RenderedFile[] => [
    [`${folder}/src/config.ts`, renderConfig(name, role)],
    [`${folder}/src/adapters/database.ts`, renderDatabase(name)],
    ...(resources.length > 0 ? [[`${folder}/src/adapters/resources.ts`, RESOURCES] as const] : []),
    [
      `${folder}/migrations/0001_${role}.sql`,
      resources.length > 0 ? renderTables(resources, resources) : renderMigration(name),
    ],
  ];
  return [
    [`${folder}/package.json`, renderPackageJson(blueprint)],
    [`${folder}/tsconfig.json`, renderTsconfig(blueprint)],
    [`${folder}/src/main.ts`, renderMain(blueprint)],
    [`${folder}/src/app.ts`, renderApp(blueprint)],
    ...(database === undefined ? [] : databaseFiles(database)),
    ...services.map((named): RenderedFile => [handlersFile(name, named), renderNamed(name, named, resources)]),
    [`${folder}/test/${name}.test.ts`, renderTest(blueprint)],
  ];
}

/** Renders the handlers of a gRPC service, with the definitions of its resources if it has some. */
export const renderNamed = (service: string, named: NamedService, known: readonly NamedResource[]): string =>
  named.resources.length === 0 ? renderHandlers(service, named) : renderResources(service, named, known);

/** Renders package.json, which describes the service to the workspace and to its launchers. */
function renderPackageJson({ name, port, contracts, services, database, packages }: Blueprint): string {
  const owns = database !== undefined;
  const stores = resourcesOf(services).length > 0;
  const used = [...(owns ? ['database'] : []), ...(stores ? ['resources', 'sync'] : []), 'rpc', 'service'].sort();
  const manifest = {
    name: `${packages.scope}/service-${name}`,
    version: '0.1.0',
    private: true,
    license: 'Apache-2.0',
    type: 'module',
    files: ['dist', ...(owns ? ['migrations'] : [])],
    rondo: { port, ...(owns && { database }), contracts },
    dependencies: {
      [packages.contracts]: 'workspace:*',
      ...Object.fromEntries(used.map((folder) => [`@rondo/${folder}`, packages.versionOf(folder)])),
    },
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Renders tsconfig.json. */
function renderTsconfig({ database, services, packages }: Blueprint): string {
  const stores = resourcesOf(services).length > 0 ? ['resources', 'sync'] : [];
  const used = ['contracts', 'rpc', ...(database === undefined ? [] : ['database']), ...stores, 'service'];
  const references = used.filter(packages.compiles).map((name) => `    { "path": "../../packages/${name}" }`);
  return `{
  "extends": "../../tsconfig.base.json",
  "compilerOptions": { "rootDir": "src", "outDir": "dist", "tsBuildInfoFile": "dist/.tsbuildinfo" },
  "include": ["src"],
  "exclude": ["src/**/*.test.ts"],
  "references": [
${references.join(',\n')}
  ]
}
`;
}

/** Renders main.ts, which starts the process. */
function renderMain({ name, port, database }: Blueprint): string {
  const variables = database === undefined ? '' : ' variables,';
  return [
    "import { runService } from '@rondo/service';",
    "import { createApp } from './app.js';",
    ...(database === undefined ? [] : ["import { variables } from './config.js';"]),
    '',
    `await runService({ name: '${name}', port: ${port},${variables} createApp });`,
    '',
  ].join('\n');
}

/** Renders config.ts, with the service's own environment variables. */
const renderConfig = (
  name: string,
  database: string,
): string => `import { type Config, url, variable } from '@rondo/service';

/** The environment variables of this service, in addition to the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://${database}:secret@127.0.0.1:5432/${database}',
    secret: true,
    description: "The service's own PostgreSQL database. The service applies its migrations when it starts.",
  }),
};

/** The values of these variables. */
export type ${pascalCase(name)}Config = Config<typeof variables>;
`;

/**
 * Renders the database adapter. app.ts passes the folder of the migrations, because its position relative to that
 * folder is the same in a container image.
 */
const renderDatabase = (name: string): string => `import {
  createOutcomeStore,
  createPool,
  createReadiness,
  type Database,
  describeUrl,
  outcomesSchema,
  type PoolOptions,
  type PostgresOutcomes,
  type Readiness,
  type SchemaPart,
} from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';

/** The options of {@link openDatabase}. */
export interface DatabaseOptions {
  /** The database: \`postgres://role:password@host:port/database\`. */
  readonly url: string;
  /** The folder with the migrations. */
  readonly migrations: URL;
  /** Tables that packages need, such as \`syncSchema\` of \`@rondo/sync\`. */
  readonly parts?: readonly SchemaPart[];
  readonly log: Logger;
  /** Measures the statements and the connections. */
  readonly meter?: PoolOptions['meter'];
}

/** The database of the service. */
export interface ServiceDatabase extends Database {
  /** The service is ready once all migrations are applied and the database answers. */
  readonly dependency: Readiness & { readonly name: string; readonly graceMs: number };
  /** The outcomes of calls with idempotency keys. */
  readonly outcomes: PostgresOutcomes;
}

/** How long the database may be away, such as during a restart, before the service rejects calls. In milliseconds. */
const GRACE_MS = 10_000;
/** How long a call waits for a lock before it fails; less than its deadline. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Opens the database. It connects on first use, so the database may start later than the service.
 *
 * Pass \`currentWorkLimits()\` of \`@rondo/rpc/call\` as the options of each query and transaction of a call. It then ends
 * with the call, and until then it waits for a database that restarts. The transaction of a call with an idempotency key
 * takes effect once.
 */
export function openDatabase({ url, migrations, parts = [], log, meter }: DatabaseOptions): ServiceDatabase {
  const pool = createPool({
    url,
    applicationName: '${name}',
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    meter,
    onError: (error) => log.warn({ err: error }, 'a connection to the database broke'),
  });
  const outcomes = createOutcomeStore(pool, {
    onError: (error) => log.warn({ err: error }, 'old outcomes could not be removed'),
  });
  const readiness = createReadiness(pool, {
    directory: migrations,
    parts: [outcomesSchema, ...parts],
    log: (line) => log.info({}, line),
    warn: (line) => log.warn({}, line),
  });
  return {
    ...pool,
    dependency: { name: \`the \${describeUrl(url)}\`, graceMs: GRACE_MS, ...readiness },
    outcomes,
    async close() {
      await outcomes.close();
      await pool.close();
    },
  };
}
`;

/** The adapter of a database with resources. */
const RESOURCES = `import { type ResourceContext, requireTables } from '@rondo/resources';
import { createStoreDatabase } from '@rondo/resources/sql';
import { systemRandom } from '@rondo/rpc/clock';
import { createSync, syncSchema } from '@rondo/sync';
import { type DatabaseOptions, openDatabase, type ServiceDatabase } from './database.js';

/** The options of {@link openResources}. */
export interface ResourceOptions extends DatabaseOptions {
  /** The resources whose tables the database has. */
  readonly resources: Parameters<typeof requireTables>[1];
}

/** The database of a service with resources. */
export interface ResourceDatabase extends ServiceDatabase {
  /** What the methods of resources work with. */
  readonly context: ResourceContext;
}

/** 80 bits: an id is short in a name and can't be guessed. */
const ID_BYTES = 10;

/** Opens the database as {@link openDatabase} does, and follows its changes, which watches tell. */
export function openResources({ resources, parts = [], ...options }: ResourceOptions): ResourceDatabase {
  const { url, log, meter } = options;
  const database = openDatabase({ ...options, parts: [syncSchema, ...parts] });
  const sync = createSync({ database, url, log, meter });
  const { dependency } = database;
  return {
    ...database,
    context: { database: createStoreDatabase(database, sync.nudge), sync, newId: () => systemRandom.hex(ID_BYTES) },
    dependency: {
      ...dependency,
      async prepare(signal) {
        await dependency.prepare(signal);
        await requireTables(database, resources);
      },
    },
    async close() {
      await sync.close();
      await database.close();
    },
  };
}
`;

/** Renders the first migration. */
const renderMigration = (
  name: string,
): string => `-- The tables of ${name}. This file is applied once it has a statement. From then on never change it: add 0002_<name>.sql.
--
-- CREATE TABLE entries (
--   id text PRIMARY KEY,
--   create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
-- );
`;
