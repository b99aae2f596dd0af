import { ConfigurationError, type Variables } from '../config/variables.js';
import type { NoVariables, ServiceOptions } from './service.js';
import { type RunningService, startService } from './start.js';
import { StartupError } from './startup-error.js';

/** A process that can't use its configuration ends so: `EX_CONFIG` of sysexits.h. */
const EXIT_CONFIGURATION = 78;
const EXIT_FAILURE = 1;
/** Numbers of the signals: a process ended by one exits with 128 more. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;
/** One Ctrl-C may reach a process twice, from the terminal and from its launcher: that isn't impatience. */
const SAME_SIGNAL_MS = 500;
/** How long a process that is about to die may take to say goodbye. */
const LAST_WORDS_MS = 1_000;

/**
 * Runs a service as this process, until a signal ends it: what `main.ts` calls.
 *
 * SIGTERM and SIGINT drain it, and it exits with 0; a second signal ends it at once. It drains too when the process
 * that launched it with an IPC channel is gone. A fault in its configuration exits with 78, what keeps it from starting
 * with 1, each said in a plain line on standard error; a fault that nothing caught is logged and exits with 1.
 */
export async function runService<V extends Variables = NoVariables>(options: ServiceOptions<V>): Promise<void> {
  const starting = startService(options);
  // From the first moment: a signal that comes while it starts drains it as soon as it has.
  endOnSignal(starting);
  try {
    endOnFault(await starting);
  } catch (error) {
    process.stderr.write(explainFailure(options.name, error));
    process.exit(error instanceof ConfigurationError ? EXIT_CONFIGURATION : EXIT_FAILURE);
  }
}

function endOnSignal(starting: Promise<RunningService>): void {
  let firstAt: number | undefined;
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
  // A launcher that died while this process was loading has left before anybody could listen.
  if (process.send !== undefined && !process.connected) end();
  else process.on('disconnect', end);
}

function endOnFault(service: RunningService): void {
  let ending = false;
  const end = (what: string) => (fault: unknown) => {
    service.log.error({ err: fault }, `${what}: this process can't go on`);
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(EXIT_FAILURE), LAST_WORDS_MS);
    service.leave().then(
      () => process.exit(EXIT_FAILURE),
      () => process.exit(EXIT_FAILURE),
    );
  };
  process.on('uncaughtException', end('an error that nothing caught'));
  process.on('unhandledRejection', end('a rejection that nothing handled'));
}

/** What standard error says of a process that can't start: for people, so without a stack where the cause is known. */
function explainFailure(name: string, error: unknown): string {
  if (error instanceof ConfigurationError) {
    const lines = error.faults.map((fault) => `  ${fault}\n`);
    return `${name} can't start, its configuration is wrong:\n${lines.join('')}`;
  }
  if (error instanceof StartupError) return `${name} can't start: ${error.message}\n`;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${name} can't start: ${trace}\n`;
}
