/** Starts a system from a command line, and stops it: the part that `npm start` and `rondo dev` share. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createSemaphore } from '@rondo/base';
import { findSystem } from '../doctor/system.js';
import { UsageError } from '../errors.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { livingHolder, withLock } from '../workspace/lock.js';
import { readManifests } from '../workspace/manifests.js';
import { step } from '../workspace/steps.js';
import { createCommands, type Session } from './commands.js';
import { openControl } from './control.js';
import { requireUsable } from './data-folder.js';
import { databaseServer, openDatabases, type Server } from './database.js';
import { observerPorts, startObservers } from './observe.js';
import { dataFlag, loadRootEnv, parseOptions, type SystemOptions, startAlongside, startElsewhere } from './options.js';
import { isServed, type Listener, type Planned, plan, portsOf, requireFreePorts } from './plan.js';
import { loadClient } from './ready.js';
import { authVariables, prepareCertificates } from './security.js';
import { type StopRequest, stopRequest } from './stop.js';
import { createSupervisor } from './supervisor.js';
import { System, type SystemSettings } from './system.js';

/** The lock of the data folder. A launcher that was killed leaves it behind. */
const LOCK = 'launcher.lock';

/** What `npm start` and `rondo dev` do differently. */
export interface Launch {
  /** What the user typed: `npm start`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Resolves to false if nothing can be started; it has printed why. */
  build(stop: StopRequest): Promise<boolean>;
  bringUp(session: Session): Promise<void>;
  /** Works until a stop is requested. */
  attend(session: Session): Promise<void>;
  readonly settings?: Pick<SystemSettings, 'env' | 'versionOf'>;
}

/** Resolves to the exit code, once everything has stopped. */
export async function runLauncher(launch: Launch): Promise<number> {
  const { command, args } = launch;
  const startedAt = performance.now();
  const stop = stopRequest();
  const { signal } = stop;
  try {
    loadRootEnv();
    const options = parseOptions(args, command);
    const { data } = options;
    const otherwise = `choose another folder: ${startElsewhere(command)}`;
    const server = databaseServer(options);
    const remedy = `Stop what listens there, or start next to it: ${startAlongside(command, options)}`;
    const listeners = [...listenersOf(options), server];
    const onHeld = (holder: string) => {
      const next = `${startAlongside(command, options)} --data DIR`;
      throw new Error(`the system of ${data} runs already: ${holder}. Stop it, or start next to it: ${next}`);
    };
    const running = await awaitLeftovers(data, listeners, signal);
    if (running !== undefined) onHeld(running);
    await requireFreePorts(listeners, remedy, signal);
    requireUsable(data, otherwise);
    if (process.env.RONDO_METRICS)
      console.warn(`${command}: RONDO_METRICS is one address, and many processes run: --metrics gives each its own`);
    if (!(await launch.build(stop)) || signal.aborted) return 1;
    const lock = { purpose: command, signal, onHeld };
    return await withLock(path.join(data, LOCK), lock, () => runSystem(launch, server, { options, stop, startedAt }));
  } catch (error) {
    // An error after Ctrl-C is no fault. The signal may arrive late, as initdb blocks the event loop.
    await setTimeout(50);
    if (signal.aborted) return 1;
    stop.close(); // first: a signal that answers the line would be taken for a request to stop, and lost
    console.error(`${command}: ${messageOf(error)}`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    stop.close();
  }
}

const LEFTOVER_POLLS = 240;
const LEFTOVER_POLL_MS = 500;

/** Waits for a launcher that stops, or for what one that was killed has left, which ends by itself. Resolves to one that runs on. */
async function awaitLeftovers(data: string, listeners: readonly Listener[], signal: AbortSignal) {
  const lock = path.join(data, LOCK);
  if (!existsSync(lock)) return undefined;
  for (let polls = 0; polls < LEFTOVER_POLLS; polls += 1) {
    const { launcher, processes } = await findSystem(data);
    const holder = await livingHolder(lock);
    if (launcher !== undefined) return holder;
    const held = await Promise.all(listeners.map(({ port }) => port > 0 && isServed(port)));
    if (holder === undefined && processes.length === 0 && !held.includes(true)) break;
    if (polls === 0) console.error(`Waiting until ${holder ?? 'what a killed launcher has left'} has stopped …`);
    await setTimeout(LEFTOVER_POLL_MS, undefined, { signal });
  }
  return undefined;
}

function listenersOf(options: SystemOptions): readonly Listener[] {
  const { portBase, metrics, observe } = options;
  const planned = plan(readManifests(), portBase);
  const observers = observe ? observerPorts(options) : [];
  return [...portsOf(planned), ...(metrics ? planned.map(metricsListener) : []), ...observers];
}

function metricsListener({ name, metricsPort: port }: Planned): Listener {
  if (port <= 65_535) return { name: `metrics of ${name}`, port };
  throw new Error(`--metrics: ${name} would serve them at ${port}; take a lower --port-base, or give it a lower port`);
}

async function runSystem(
  { bringUp, attend, settings }: Launch,
  server: Server,
  beginning: Pick<Session, 'options' | 'stop' | 'startedAt'>,
): Promise<number> {
  const { options, stop } = beginning;
  const { signal } = stop;
  /** What was opened, to be closed in the opposite order. */
  const closers: (() => Promise<void>)[] = [];
  try {
    const manifests = readManifests();
    const services = manifests.map(({ service }) => service);
    await prepareCertificates(options, services);
    const flag = dataFlag(options.data);
    const hint = (name: string) => ({
      logs: `./rondo logs ${name}${flag}`,
      restart: `./rondo restart ${name}${flag}`,
    });
    const supervisor = createSupervisor({ restarts: options.restarts, tell: (line) => console.warn(line), hint });
    signal.addEventListener('abort', supervisor.close, { once: true });
    if (signal.aborted) supervisor.close();
    const databases = await openDatabases({ ...server, data: options.data, supervisor });
    closers.unshift(databases.stop);
    const warn = (line: string) => signal.aborted || console.warn(line);
    const observers = options.observe ? await startObservers(options, { warn }) : undefined;
    if (observers !== undefined) closers.unshift(observers.close);
    const env = { ...settings?.env, ...observers?.env, ...(await authVariables(options.auth)) };
    const system = new System({ ...settings, options, databases, supervisor, warn, env });
    closers.unshift(() => system.close());
    stop.onSecond(() => system.kill());
    const session = {
      ...beginning,
      databases,
      system,
      supervisor,
      observed: observers?.text ?? [],
      exclusively: createSemaphore(1).run,
    };
    // Before the services, as the remedy for one that doesn't become ready may be a request.
    if (!signal.aborted) closers.unshift(await openControl(options, system.registry, createCommands(session)));
    void loadClient().catch(() => undefined); // while the registry starts: all services wait for its first answer
    // The services without a database start meanwhile.
    const provided = step('database', async () => {
      await databases.provide([...new Set(manifests.flatMap(({ database }) => database ?? []))]);
      return { code: 0 };
    });
    await Promise.all([provided, bringUp(session)]);
    if (!signal.aborted) await attend(session);
    console.log(`\nStopping (${await stop.promise}) …`);
    return 0;
  } finally {
    for (const close of closers) await close();
  }
}
