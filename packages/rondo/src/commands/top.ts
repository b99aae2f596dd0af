import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { listInstances, type RegistryConnection } from '@rondo/operate/internal';
import { sleep } from '@rondo/rpc/clock';
import { defineCommand, type RunContext } from '../command.js';
import { completeService } from '../completion/registered.js';
import { pause } from '../deadline.js';
import { flag, oneOf } from '../help.js';
import { duration, jsonOption, registryOption } from '../options.js';
import { onRegistry, registeredService } from '../registry/locate.js';
import { tableLook } from '../terminal/terminal.js';
import { formatTime } from '../terminal/text.js';
import { formatView } from '../top/format.js';
import { createSampler } from '../top/sampler.js';
import { BY, type By, viewOf } from '../top/view.js';
import { messageOf } from '../workspace/errors.js';

/** How many instances are asked. Each has a connection and up to 1 MB of memory: two answers about 50 busy methods. */
const MAX_INSTANCES = 1_000;
/** How long a table waits for answers. One that comes later is in the next. Milliseconds. */
const GRACE_MS = 250;

const INTERVALS = { least: 100, most: 3_600_000, words: 'from 100ms to 1h, such as 2s' };

export const top = defineCommand({
  name: 'top',
  summary: 'Shows rates, durations, errors and bytes of the running services, live.',
  details: [
    'It asks each registered instance for its counters, and shows what has changed since it asked before: calls that began,',
    'calls that ended, errors but CANCELLED, durations at the server, bytes of messages, and of a service the load of an instance',
    '(LB = N/S): docs/guides/run-a-system.md.',
  ].join('\n'),
  options: {
    by: { ...oneOf('WHAT', 'What a row is about: service, method or instance.', BY), default: 'service' },
    interval: { ...duration('TIME', 'The time between two samples, from 100ms to 1h.', INTERVALS), default: '1s' },
    once: flag('Print the figures of one interval, and end.'),
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '[service]' },
  examples: [
    ['top CalculatorService --by method', 'The methods of one service, each second.'],
    ["top --once --json | jq '.rows[] | {name, callsPerSecond, p99Ms}'", 'The figures of one second, for a script.'],
  ],
  complete: completeService,
  exitCodes: { OK: 'The figures are printed, or Ctrl-C ended it.' },
  async run({ name, by, interval, once }, context) {
    await onRegistry(context, async (registry) => {
      const watch = await startWatch(registry, { name, by }, context);
      try {
        await (once ? showOnce : follow)(watch, interval, context);
      } finally {
        watch.sampler.close();
      }
    });
    return undefined;
  },
});

type Watch = Awaited<ReturnType<typeof startWatch>>;

/** @param name The service to show, as it was typed. */
async function startWatch(
  registry: RegistryConnection,
  { name, by }: { readonly name: string | undefined; readonly by: By },
  { clock, signal }: RunContext,
) {
  const sampler = createSampler({ clock, signal });
  const first = await listInstances(registry, { signal });
  const service = name === undefined ? undefined : registeredService(name, first);
  let left = 0;
  let lost: string | undefined;
  const use = (instances: readonly Instance[]) => {
    const serving = instances.filter(({ services }) => service === undefined || services.includes(service));
    left = Math.max(0, serving.length - MAX_INSTANCES);
    sampler.follow(serving.slice(0, MAX_INSTANCES));
  };
  use(first.instances);
  let refreshing = false;
  return {
    sampler,
    /** Reads the registered instances again. If the registry can't be reached, the old ones stay. */
    async refresh() {
      if (refreshing) return;
      refreshing = true;
      try {
        use((await listInstances(registry, { signal })).instances);
        lost = undefined;
      } catch (error) {
        lost = messageOf(error);
      } finally {
        refreshing = false;
      }
    },
    read: () => viewOf(sampler.read(), { by, service }),
    notes: () => [
      ...(left === 0 ? [] : [`${left} more instances are registered: the first ${MAX_INSTANCES} are asked`]),
      ...(lost === undefined ? [] : [`the instances may have changed: ${lost}`]),
    ],
  };
}

/** Prints the figures of one interval. */
async function showOnce(watch: Watch, intervalMs: number, context: RunContext): Promise<void> {
  const { clock, signal } = context;
  await watch.sampler.ask();
  await sleep(clock, intervalMs, signal);
  await watch.refresh();
  await watch.sampler.ask();
  signal.throwIfAborted();
  await print(watch, intervalMs, context);
}

/** Prints the figures of each interval, until Ctrl-C. An instance or a registry that is silent delays none of them. */
async function follow(watch: Watch, intervalMs: number, context: RunContext): Promise<void> {
  const { clock, signal } = context;
  void watch.sampler.ask();
  let due = clock.now();
  while (!signal.aborted) {
    due = Math.max(due + intervalMs, clock.now());
    if (!(await pause(due - clock.now(), context))) return;
    void watch.refresh();
    await Promise.race([watch.sampler.ask(), pause(Math.min(intervalMs, GRACE_MS), context)]);
    await print(watch, intervalMs, context);
  }
}

async function print(watch: Watch, intervalMs: number, { stdout, wallClock, ...context }: RunContext): Promise<void> {
  const [view, notes, time] = [watch.read(), watch.notes(), wallClock.now()];
  const title = `${formatTime(time.getTime())}, every ${intervalMs / 1_000} s`;
  const maxLines = stdout.height === undefined ? undefined : stdout.height - 2;
  const text = `${title}\n${formatView(view, { ...tableLook(stdout), maxLines }, notes)}`;
  await context.print({ json: { time, intervalMs, ...view, notes }, text }, stdout.live ? 'screen' : undefined);
}
