import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { Availability, listInstances, type RegistryConnection } from '@rondo/operate/internal';
import { sleep } from '@rondo/rpc/clock';
import { type CommandContext, defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { flag, valued } from '../help.js';
import { durationMs, jsonOption, registryOption } from '../options.js';
import { onRegistry } from '../registry/locate.js';
import { registeredService } from '../registry/service-name.js';
import { tableLook } from '../terminal/terminal.js';
import { formatTime } from '../terminal/text.js';
import { formatView } from '../top/format.js';
import { createSampler, type Sampler } from '../top/sampler.js';
import { BY, type By, recordAvailability, servicesOf, type View, viewOf } from '../top/view.js';

/** How many instances are asked. Each has a connection and up to 1 MB of memory: two answers about 50 busy methods. */
const MAX_INSTANCES = 1_000;
const DEFAULT_INTERVAL = '1s';
const INTERVAL_MS = { min: 100, max: 3_600_000 } as const;

/** `rondo top`: shows the live rates of services, methods or instances. */
export const top = defineCommand({
  name: 'top',
  summary: 'Shows rates, durations, errors and bytes of the running services, live.',
  usage: '[service] [--by WHAT] [--interval TIME] [--once] [--json]',
  details: [
    'It asks each registered instance for its counters, and shows what has changed since it asked before. CALLS/S are the calls',
    'that began, DONE/S those that ended, ERRORS/S those that ended with any status but OK and CANCELLED. P50 and P99 are the',
    'durations at the server, of methods without streams, at most 6.25 % from the exact ones. IN and OUT are the bytes of',
    'request and reply messages.',
    '',
    'Below the table is the load of each service: LB = N/S, calls a second by instances that clients may pick; its availability,',
    'as observed since the command began; and the chance that all instances fail at once: (1 - availability) to the power of S,',
    'if they fail independently.',
    '',
    'An instance that does not answer within a second is shown as unreachable. Ctrl-C ends the command.',
    '',
    'INSTANCES has how many instances the figures are of, and how many are registered. At most 1,000 instances are asked, 64',
    "at once. A terminal leaves out the rows that don't fit, and says so; elsewhere at most 200 rows are printed.",
    '',
    'With --json, each interval is one line. rows has the figures of all rows: counts of the interval (calls, errors, and',
    'statuses by name), rates (callsPerSecond, donePerSecond, errorsPerSecond, requestBytesPerSecond, replyBytesPerSecond),',
    'inFlight, p50Ms and p99Ms (null if no unary call ended). services has instances (S), calls (N), load (LB), availability',
    'and allFail. instances has the state of each instance (counted, waiting, uncounted or unreachable) and the reason.',
    'notes says what is wrong with the list of instances.',
  ].join('\n'),
  options: {
    by: {
      ...valued('WHAT', 'What a row is about: service, method or instance; service by default.'),
      complete: BY.map((word) => ({ word })),
    },
    interval: valued('TIME', `The time between two samples, from 100ms to 1h; ${DEFAULT_INTERVAL} by default.`),
    once: flag('Print the figures of one interval, and end.'),
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 1,
  examples: [
    ['top', 'All services, each second.'],
    ['top CalculatorService --by method', 'The methods of one service.'],
    ['top --by instance --interval 5s', 'The instances, each five seconds.'],
    ["top --once --json | jq '.rows[] | {name, callsPerSecond, p99Ms}'", 'The figures of one second, for a script.'],
  ],
  complete: completeService,
  exitCodes: { OK: 'The figures are printed, or Ctrl-C ended it.' },
  async run({ values, positionals: [name] }, context) {
    const by = parseBy(values.by);
    const intervalMs = parseInterval(values.interval ?? DEFAULT_INTERVAL);
    await onRegistry(values.registry, context, async (registry) => {
      const watch = await startWatch(registry, { name, by, context });
      try {
        if (values.once) await once(watch, { intervalMs, json: values.json, context });
        else await follow(watch, { intervalMs, json: values.json, context });
      } finally {
        watch.sampler.close();
      }
    });
  },
});

function parseBy(text: string | undefined): By {
  const found = BY.find((by) => by === (text ?? 'service'));
  if (found === undefined) throw new UsageError(`--by ${text}: must be service, method or instance`);
  return found;
}

function parseInterval(text: string): number {
  const ms = durationMs('interval', text) ?? 0;
  if (ms >= INTERVAL_MS.min && ms <= INTERVAL_MS.max) return ms;
  throw new UsageError(`--interval ${text}: must be from 100ms to 1h, such as 2s`);
}

/** The instances that are watched. */
interface Watch {
  readonly sampler: Sampler;
  /** Reads the registered instances again. If the registry can't be reached, the old ones stay. */
  refresh(): Promise<void>;
  read(): View;
  notes(): readonly string[];
}

interface WatchOptions {
  /** The service to show, as it was typed. */
  readonly name: string | undefined;
  readonly by: By;
  readonly context: CommandContext;
}

async function startWatch(registry: RegistryConnection, { name, by, context }: WatchOptions): Promise<Watch> {
  const { clock, signal } = context;
  const availability = new Availability();
  const sampler = createSampler({ clock, signal, onSample: (sampled) => recordAvailability(availability, sampled) });
  const first = await listInstances(registry, { signal });
  const service = name === undefined ? undefined : registeredService(name, first);
  let left = 0;
  let lost: string | undefined;
  const use = (instances: readonly Instance[]) => {
    const serving = instances.filter(({ services }) => service === undefined || services.includes(service));
    left = Math.max(0, serving.length - MAX_INSTANCES);
    sampler.follow(serving.slice(0, MAX_INSTANCES));
    availability.keep(new Set(servicesOf(sampler.read())));
  };
  use(first.instances);
  let refreshing = false;
  return {
    sampler,
    async refresh() {
      if (refreshing) return;
      refreshing = true;
      try {
        use((await listInstances(registry, { signal })).instances);
        lost = undefined;
      } catch (error) {
        lost = error instanceof Error ? error.message : String(error);
      } finally {
        refreshing = false;
      }
    },
    read: () => viewOf(sampler.read(), { by, service, availability }),
    notes: () => [
      ...(left === 0 ? [] : [`${left} more instances are registered: the first ${MAX_INSTANCES} are asked`]),
      ...(lost === undefined ? [] : [`the instances may have changed: ${lost}`]),
    ],
  };
}

interface Printing {
  readonly intervalMs: number;
  readonly json: boolean | undefined;
  readonly context: CommandContext;
}

/** Prints the figures of one interval. */
async function once(watch: Watch, printing: Printing): Promise<void> {
  const { clock, signal } = printing.context;
  await watch.sampler.ask();
  await sleep(clock, printing.intervalMs, signal);
  await watch.refresh();
  await watch.sampler.ask();
  signal.throwIfAborted();
  await print(watch, printing);
}

/** Prints the figures of each interval, until Ctrl-C. An instance or a registry that is silent delays none of them. */
async function follow(watch: Watch, printing: Printing): Promise<void> {
  const { clock, signal } = printing.context;
  const { intervalMs } = printing;
  void watch.sampler.ask();
  let due = clock.now();
  while (!signal.aborted) {
    due = Math.max(due + intervalMs, clock.now());
    await pause(due - clock.now(), printing);
    if (signal.aborted) return;
    void watch.refresh();
    await Promise.race([watch.sampler.ask(), pause(Math.min(intervalMs, GRACE_MS), printing)]);
    await print(watch, printing);
  }
}

/** How long a table waits for answers. One that comes later is in the next. Milliseconds. */
const GRACE_MS = 250;

/** Waits, or until Ctrl-C. */
const pause = (delayMs: number, { context: { clock, signal } }: Printing): Promise<void> =>
  sleep(clock, delayMs, signal).catch(() => undefined);

async function print(watch: Watch, { intervalMs, json, context }: Printing): Promise<void> {
  const { stdout, wallClock } = context;
  const view = watch.read();
  const notes = watch.notes();
  const time = wallClock.now();
  if (json) {
    await stdout.write(`${JSON.stringify({ time: time.toISOString(), intervalMs, ...view, notes })}\n`);
    return;
  }
  const title = `${formatTime(time.getTime())}, every ${intervalMs / 1_000} s`;
  const maxLines = stdout.height === undefined ? undefined : stdout.height - 2;
  const text = `${title}\n${formatView(view, { ...tableLook(stdout), maxLines }, notes)}`;
  await stdout.write(text, stdout.live ? 'screen' : undefined);
}
