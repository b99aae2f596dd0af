import { type Described, flag, type Options, valued } from '../help.js';

/**
 * A command on a workspace. It has no module of the other packages before it has built them, so what runs it stands by its
 * name in main.ts.
 */
export type Task = Omit<Described, 'name'>;

const SYSTEM_OPTIONS = {
  data: {
    ...valued('DIR', "The folder of the database, the logs and the passwords; by default the workspace's .rondo."),
    complete: 'folders',
  },
  'port-base': valued('N', "The registry's port, 50050 by default; the others follow it."),
  tls: flag('Encrypt every connection, with certificates that are made for it.'),
  auth: flag('Verify who calls, with an issuer that is made for it; and --tls.'),
  metrics: flag("Serve each process's metrics, 500 ports above its service's port; each further instance 100 more."),
  observe: flag('Start Prometheus and Jaeger, if they are on the PATH, and send them all traces; and --metrics.'),
  'no-restart': flag("Don't restart a process that ends by itself."),
} satisfies Options;
const SYSTEM_USAGE = '[--data DIR] [--port-base N] [--tls] [--auth] [--metrics] [--observe] [--no-restart]';

const plain = (name: string, example: string, summary: string): Task => ({
  summary,
  usage: '',
  options: {},
  examples: [[name, example]],
});

/** The tasks by name. An npm script runs each that has its name: npm start is rondo start. */
export const tasks = {
  start: {
    summary: 'Builds and runs the whole system, on an embedded database, until Ctrl-C.',
    usage: SYSTEM_USAGE,
    details:
      'Each process reads services/<name>/.env and .env. Variables of the environment outrank both files. Data is kept.',
    options: SYSTEM_OPTIONS,
    examples: [
      ['start', 'Then rondo ps, in another terminal.'],
      ['start --data /tmp/other --port-base 51050', 'A second system next to one that runs.'],
    ],
  },
  dev: {
    summary: 'Starts the system, and rebuilds and restarts services when files are saved.',
    usage: SYSTEM_USAGE,
    details: [
      'It does what npm start does, and it watches proto/, packages/, plugins/ and services/. When a contract is saved, its code is',
      'generated; when a source is saved, it is compiled. Then the services that use it restart, and no others. A service with',
      'a compile error keeps running its last build, and the error is printed. Data is kept.',
    ].join('\n'),
    options: SYSTEM_OPTIONS,
    examples: [
      ['dev', 'Then edit a service, and call it from another terminal.'],
      ['dev --data /tmp/other --port-base 51050', 'A second system next to one that runs.'],
    ],
  },
  backup: {
    summary: 'Makes a backup of all databases of a running system.',
    usage: '--to DIR [--data DIR]',
    options: { to: valued('DIR', 'The folder of the backup.'), data: SYSTEM_OPTIONS.data },
    examples: [['backup --to /backups/today', 'While the system runs.']],
  },
  restore: {
    summary: 'Restores a backup into the data folder of a new system.',
    usage: '--from DIR --data NEW',
    options: { from: valued('DIR', 'The backup.'), data: valued('NEW', 'The new data folder.') },
    examples: [['restore --from /backups/today --data /tmp/new', 'Then rondo start --data /tmp/new.']],
  },
  build: plain(
    'build',
    'Before a commit, say.',
    'Generates and compiles what has changed. Other commands do it first.',
  ),
  generate: plain('generate', 'After an edit of proto/.', 'Generates the code of the contracts that have changed.'),
  test: {
    summary: 'Runs the tests: all of a ring, those of some paths, or those that changed files reach.',
    usage: '[path ...] [--ring RING] [--changed]',
    details: 'Other arguments are those of jest.',
    options: {
      ring: valued('RING', 'test, ci, long or any; test by default.'),
      changed: flag('Only what reaches the files that differ from main, and their types and lint.'),
    },
    examples: [
      ['test', 'What a change can break.'],
      ['test services/greeter', 'The tests of one service.'],
    ],
  },
  check: {
    ...plain('check', 'All that is no test.', 'Checks format, lint, import rules, types and contracts.'),
    usage: '[--fix]',
    options: { fix: flag('Format what can be formatted, and check the rest.') },
  },
  breaking: plain(
    'breaking',
    'Compares with main.',
    'Checks that the contracts break no published client: one step of rondo check.',
  ),
  bundle: plain('bundle', 'As infra/docker/Dockerfile does.', 'Bundles the contents of the images.'),
  install: plain(
    'install',
    'After an edit of a package.json.',
    'Installs the packages, and updates the lock file to the manifests.',
  ),
} satisfies Readonly<Record<string, Task>>;

export type TaskName = keyof typeof tasks;
