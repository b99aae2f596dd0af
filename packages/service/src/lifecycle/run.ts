import { createChannel, staticResolver } from '@rondo/rpc/client';
import { ConfigurationError, type Variables } from '../config/variables.js';
import { printable } from '../log.js';
import type { NoVariables, ServiceContext, ServiceOptions } from './service.js';
import { mapStackTraces } from './stack-traces.js';
import { maskFor, type RunningService, type StartOptions, startService } from './start.js';
import { StartupError } from './startup-error.js';
import { TRIED, tryStored } from './trial.js';

/** Exit code of a process with an invalid configuration: `EX_CONFIG` of sysexits.h. */
const EXIT_CONFIGURATION = 78;
const EXIT_FAILURE = 1;
/** Signal numbers. A process that a signal ends exits with the number plus 128. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;
/**
 * One Ctrl-C may reach a process twice, from the terminal and from its launcher. Signals within this time count as one.
 */
const SAME_SIGNAL_MS = 500;
/** How long a process that is started with `--handover` waits for its dependencies, and then for the ports of its predecessor. */
const HANDOVER_MS = 60_000;
/** How long a crashing process may take to deregister. */
const CRASH_GRACE_MS = 1_000;
/** Ends a start that only migrates: the parts are stopped as after any other that ends early. */
const MIGRATED = new Error('migrated');

/**
 * Runs a service as this process until a signal ends it; `main.ts` calls it.
 *
 * SIGTERM and SIGINT drain the service, and the process exits with 0. A second signal ends it at once. The service also
 * drains when the launcher that holds its IPC channel exits. An invalid configuration exits with 78 and any other
 * startup failure with 1, each with plain lines on standard error. An uncaught error or unhandled rejection is logged,
 * and the process exits with 1. Stack traces name the sources.
 *
 * With the argument `--handover`, which `npm start` gives, it takes the ports over from the process that it replaces.
 * With the argument `--migrate` it starts its parts, which migrates its database, stops them, and exits with 0 without listening.
 * With the argument `--trial` it starts nothing: it tries what `rondo rollout check` sends it with its code, and calls and writes nothing.
 */
export async function runService<V extends Variables = NoVariables>(options: ServiceOptions<V>): Promise<void> {
  mapStackTraces();
  const [migrates, tries] = ['--migrate', '--trial'].map((argument) => process.argv.includes(argument));
  let isPrepared = false;
  const starting = startService({
    ...options,
    ...(tries && trialOf(options)),
    waits: migrates === true,
    handoverMs: process.argv.includes('--handover') ? HANDOVER_MS : 0,
    async onPrepared() {
      if (migrates) throw MIGRATED;
      isPrepared = true;
      return onPrepared();
    },
  });
  // Registered first: a signal during the start drains the service as soon as it has started.
  if (!migrates && !tries) endOnSignal(starting, () => isPrepared);
  const explain = (error: unknown) =>
    process.stderr.write(printable(maskFor(options)(explainFailure(options.name, error))));
  try {
    endOnFault(await starting, explain);
  } catch (error) {
    if (error === MIGRATED || error === TRIED) process.exit(0);
    explain(error);
    process.exit(error instanceof ConfigurationError ? EXIT_CONFIGURATION : EXIT_FAILURE);
  }
}

/** The app has no one to call, and nothing of it starts. */
const trialOf = <V extends Variables>({ createApp }: ServiceOptions<V>): Partial<StartOptions<V>> => ({
  createApp: (context: ServiceContext, config) =>
    createApp({ ...context, channel: createChannel({ resolver: staticResolver([]) }) }, config),
  onCreated: tryStored,
});

/** Tells the launcher that only the ports are missing, and waits for its word: it has asked the other process to end. */
function onPrepared(): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    process.once('message', () => resolve()).once('disconnect', resolve);
    process.send?.('prepared', undefined, undefined, () => undefined);
  });
}

function endOnSignal(starting: Promise<RunningService>, isPrepared: () => boolean): void {
  let firstAt: number | undefined;
  let isStarted = false;
  const end = () => {
    firstAt ??= performance.now();
    starting
      .then((service) => service.drain())
      .then(
        () => process.exit(0),
        () => process.exit(EXIT_FAILURE),
      );
  };
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (firstAt === undefined) end();
      else if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(128 + number);
    });
  }
  starting.then(
    () => {
      isStarted = true;
    },
    () => undefined,
  );
  // The launcher may have died with the database for which this process waits: there is nothing to drain yet.
  const leave = () => (isStarted || isPrepared() ? end() : process.exit(EXIT_FAILURE));
  // If it died while this process was loading, no 'disconnect' event follows.
  if (process.send !== undefined && !process.connected) leave();
  else process.on('disconnect', leave);
}

function endOnFault(service: RunningService, explain: (error: unknown) => void): void {
  let ending = false;
  const end = (what: string) => (fault: unknown) => {
    service.log.error({ err: fault }, `${what}: this process can't go on`);
    leave();
  };
  const leave = () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(EXIT_FAILURE), CRASH_GRACE_MS);
    service.deregister().then(
      () => process.exit(EXIT_FAILURE),
      () => process.exit(EXIT_FAILURE),
    );
  };
  service.started.catch(async (error: unknown) => {
    explain(error);
    await service.drain();
    process.exit(EXIT_FAILURE);
  });
  process.on('uncaughtException', end('an error that nothing caught'));
  process.on('unhandledRejection', end('a rejection that nothing handled'));
}

/** The text on standard error for a failed start. It has no stack if the cause is known. */
function explainFailure(name: string, error: unknown): string {
  if (error instanceof ConfigurationError) {
    const lines = error.faults.map((fault) => `  ${fault}\n`);
    return `${name} can't start, its configuration is wrong:\n${lines.join('')}`;
  }
  if (error instanceof StartupError) return `${name} can't start: ${error.message}\n`;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${name} can't start: ${trace}\n`;
}
