/** The requests that a running system takes. */
import type { createSemaphore } from '@rondo/base';
import type { LauncherProcess, LauncherRequest, LauncherRow } from '@rondo/operate/internal';
import { folderOf, type Manifest, REGISTRY, readManifest, serviceNames, tryManifests } from '../workspace/manifests.js';
import type { Databases } from './database.js';
import type { SystemOptions } from './options.js';
import { consoleOf, POSTGRES, plan, publicAddressOf } from './plan.js';
import type { StopRequest } from './stop.js';
import type { ProcessState, Supervisor } from './supervisor.js';
import type { System } from './system.js';

export interface Session {
  readonly options: SystemOptions;
  readonly databases: Databases;
  readonly system: System;
  readonly supervisor: Supervisor;
  /** Where to look at what observes the system. */
  readonly observed: readonly string[];
  /** Runs work that starts or stops services, one after the other. */
  readonly exclusively: ReturnType<typeof createSemaphore>['run'];
  readonly stop: StopRequest;
  readonly startedAt: number;
}

export interface Answer {
  /** The instances that the request concerns and that take calls now. */
  readonly rows: readonly LauncherRow[];
  readonly processes?: readonly Process[];
}

/** A process that runs or should run; what the supervisor knows of it, if it has ended by itself. */
interface Process extends LauncherProcess, Partial<Omit<ProcessState, 'state'>> {
  /** `stopped` on request, or never started. */
  readonly state: ProcessState['state'] | 'stopped';
  readonly pid?: number | undefined;
}

type Log = (line: string) => void;
type Rows = Promise<readonly LauncherRow[]>;

export type Execute = (request: LauncherRequest, log: Log) => Promise<Answer>;

/** Carries out requests one after the other. Those that only list don't wait for others. */
export const createCommands =
  (session: Session): Execute =>
  async (request, log) => {
    const { system, databases, exclusively } = session;
    if (request.command === 'processes') return { rows: [], processes: listProcesses(session) };
    if (request.command === 'status') return { rows: await system.rows() };
    if (request.command === 'database')
      return { rows: [rowOf(request.service, await databases.urlOf(databaseOf(request.service)))] };
    // Not in turn: a start that waits for the service may be waiting for this.
    if (request.command === 'reset') await databases.reset(databaseOf(request.service));
    return { rows: await exclusively(() => change(session, request, log)) };
  };

function change(session: Session, request: LauncherRequest, log: Log): Rows {
  switch (request.command) {
    case 'start':
      return start(session, request.service, log);
    case 'stop':
      return stop(session, request.service, log);
    case 'scale':
      return scale(session, request);
    case 'reset':
      return restart(session, request.service, log);
    case 'restart':
      return restart(session, request.name, log);
    default:
      return session.system.rows();
  }
}

const rowOf = (name: string, address: string): LauncherRow => ({ name, address, services: [] });

async function start({ system, stop: { signal } }: Session, service: string, log: Log): Rows {
  const manifest = requireManifest(service);
  if (system.running.get(service)?.children.every((child) => child.isRunning())) {
    log(`${service} runs already`);
    return await rowsOf(system, service);
  }
  await system.stop(service);
  return await system.start(manifest, { signal });
}

async function stop({ system }: Session, service: string, log: Log): Rows {
  if (service === REGISTRY) throw new Error('all services need the registry: Ctrl-C stops the whole system');
  if (!system.running.has(service)) log(`${service} doesn't run`);
  await system.stop(service);
  return [];
}

async function restart(session: Session, name: string, log: Log): Rows {
  const { system, databases } = session;
  const { signal } = session.stop;
  if (name === POSTGRES) {
    await databases.restart();
    return [rowOf(name, databases.address)];
  }
  const service = serviceOf(name, listProcesses(session));
  const entry = system.running.get(service);
  if (entry === undefined) return await start(session, service, log);
  if (name === service) return await system.start(requireManifest(service), { signal });
  return await system.start(entry.manifest, { signal, name });
}

async function scale({ system, stop: { signal } }: Session, { service, instances }: Scale): Rows {
  const manifest = requireManifest(service);
  if (service === REGISTRY)
    throw new Error("npm start runs one registry; Rondo's docs/guides/run-a-system.md has more");
  if (instances === 0) await system.rest(service);
  else await system.scale(manifest, instances, signal);
  return await rowsOf(system, service);
}

type Scale = Extract<LauncherRequest, { readonly command: 'scale' }>;

/** The service that `name`, a service or an instance, belongs to. */
function serviceOf(name: string, processes: readonly Process[]): string {
  const found = processes.find((one) => one.service === name || one.name === name);
  if (found !== undefined) return found.service;
  const known = [...new Set(processes.flatMap((one) => [one.service, one.name]))];
  throw new Error(`there is nothing called "${name}" to restart; there are: ${known.join(', ')}`);
}

async function rowsOf(system: Session['system'], service: string): Rows {
  const names = new Set(system.running.get(service)?.children.map((child) => child.name));
  return (await system.rows()).filter(({ name }) => names.has(name));
}

function requireManifest(service: string): Manifest {
  const services = serviceNames();
  if (services.includes(service)) return readManifest(service);
  throw new Error(`there is no service "${service}" in services/; there are: ${services.join(', ')}`);
}

function databaseOf(service: string): string {
  const { database } = requireManifest(service);
  if (database !== undefined) return database;
  throw new Error(`${service} has no database: "rondo.database" in ${folderOf(service)}/package.json names one`);
}

/** All processes that run or should run. It doesn't need the registry. */
function listProcesses({ system, databases, supervisor, options }: Session): readonly Process[] {
  const server = databases.process();
  const planned = plan([...tryManifests().manifests.values()], options.portBase);
  const all = [
    ...(server === undefined ? [] : [{ ...server, name: POSTGRES, service: POSTGRES }]),
    ...[...system.running].flatMap(([service, { children }]) => children.map((child) => ({ ...child, service }))),
    ...planned.filter(({ service }) => !system.running.has(service)),
  ];
  return all.map((one) => {
    const pid = 'isRunning' in one && one.isRunning() ? { pid: one.pid } : undefined;
    const state = supervisor.stateOf(one.name) ?? { state: pid === undefined ? 'stopped' : 'running' };
    const found = planned.find(({ name }) => name === one.name);
    const console = consoleOf(found);
    const outside = found && publicAddressOf(found);
    const at = { ...(console && { console }), ...(outside && { public: outside }) };
    return { name: one.name, service: one.service, ...at, ...pid, ...state };
  });
}
