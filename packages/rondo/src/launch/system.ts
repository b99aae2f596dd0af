/** The running services, each with the processes that its manifest asks for. */
import path from 'node:path';
import type { LauncherRow } from '@rondo/operate/internal';
import { messageOf } from '../workspace/errors.js';
import { folderOf, isStartable, type Manifest, REGISTRY } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import { type Child, type ChildOptions, firstToEnd, killAll, startChild, stopChildren } from './child.js';
import { removeProcesses, scaled, writeProcesses, writeScale } from './data-folder.js';
import type { Databases } from './database.js';
import { writeTargets } from './observe.js';
import type { SystemOptions } from './options.js';
import { metricsAddress, type Planned, plan, portsOf, requireFreePorts } from './plan.js';
import { type ReadyOptions, untilReady } from './ready.js';
import type { Supervisor } from './supervisor.js';

const PORT_REMEDY = 'Stop what listens there, or give the service another port in its package.json';

export interface SystemSettings {
  readonly options: SystemOptions;
  readonly databases: Databases;
  readonly supervisor: Supervisor;
  readonly warn: (line: string) => void;
  /** Variables of all processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly versionOf?: (manifest: Manifest) => string;
}

export interface Running {
  /** As it was when the service was started; so is `version`, which `versionOf` gave. */
  readonly manifest: Manifest;
  readonly version: string;
  readonly env: Readonly<Record<string, string>>;
  planned: readonly Planned[];
  /** A process for each that is planned; a restart replaces it. */
  children: readonly Child[];
}

export interface StartOptions {
  readonly signal: AbortSignal;
  /** The instance to start again; all by default. */
  readonly name?: string;
  /** What must be there before the service listens, such as the registry. */
  readonly after?: Promise<unknown> | undefined;
}

export class System {
  readonly registry: string;
  readonly #settings: SystemSettings;
  readonly #running = new Map<string, Running>();
  /** The processes that live, also those that are prepared. */
  readonly #spawned = new Set<Child>();
  readonly #closing = new AbortController();
  /** The processes that were stopped on request. */
  readonly #stopped = new WeakSet<Child>();
  /** Whether the registry hasn't started yet, or was stopped on request: then every service warns that it can't be reached. */
  #isRegistryAway = true;

  constructor(settings: SystemSettings) {
    this.#settings = settings;
    this.registry = `127.0.0.1:${settings.options.portBase}`;
    removeProcesses(settings.options.data); // a launcher that was killed leaves them behind
  }

  /** By service. */
  get running(): ReadonlyMap<string, Running> {
    return this.#running;
  }

  get #children(): readonly Child[] {
    return [...this.#running.values()].flatMap(({ children }) => children);
  }

  /** The instances that take calls, the registry first. */
  async rows(): Promise<readonly LauncherRow[]> {
    return [this.#registryRow, ...(await untilReady(this.#settings.options))];
  }

  get #registryRow(): LauncherRow {
    return { name: REGISTRY, address: this.registry, services: ['rondo.registry.v1.RegistryService'] };
  }

  /**
   * Starts a service, or starts it again, or one instance of it. Resolves when it takes calls. The processes that run serve until
   * their successors need only their ports, and go on serving if one of those ends. Rejects with the last lines of a process that
   * ended while it started. Rejects if the signal aborts; processes that listen by then go on starting.
   */
  async start(manifest: Manifest, options: StartOptions): Promise<readonly LauncherRow[]> {
    const before = this.#running.get(manifest.service);
    const isPart = before !== undefined && options.name !== undefined;
    const entry = isPart ? before : await this.#enter(manifest, options.signal);
    const planned = isPart ? entry.planned.filter(({ name }) => name === options.name) : entry.planned;
    return await this.#launch(entry, planned, options);
  }

  /** Drains a service; does nothing if it doesn't run. */
  async stop(service: string): Promise<void> {
    const entry = this.#running.get(service);
    if (entry === undefined) return;
    this.#isRegistryAway ||= service === REGISTRY;
    await this.#drop(entry, entry.children);
  }

  /** Stops a service until it is scaled or restarted. */
  async rest(service: string): Promise<void> {
    await this.stop(service);
    writeScale(this.#settings.options.data, service, 0);
  }

  /** Starts the instances that a service lacks, or drains those above the number, which later starts have, too. */
  async scale(manifest: Manifest, instances: number, signal: AbortSignal): Promise<void> {
    const { service } = manifest;
    const { data, portBase } = this.#settings.options;
    const entry = this.#running.get(service);
    if (entry === undefined) {
      writeScale(data, service, instances);
      await this.start(manifest, { signal });
      return;
    }
    signal.throwIfAborted();
    entry.planned = plan([{ ...entry.manifest, instances }], portBase);
    await this.#drop(
      entry,
      entry.children.filter((child) => !isAmong(entry.planned, child)),
    );
    const lacking = entry.planned.filter((planned) => !isAmong(entry.children, planned));
    if (lacking.length > 0) await this.#launch(entry, lacking, { signal });
    writeScale(data, service, instances);
  }

  kill(): void {
    killAll(this.#children);
  }

  /** Drains all services; the registry last, so that the others can deregister. */
  async close(): Promise<void> {
    this.#closing.abort();
    const services = [...this.#running.keys()].filter((service) => service !== REGISTRY);
    await Promise.all(services.map((service) => this.stop(service)));
    await this.stop(REGISTRY);
    removeProcesses(this.#settings.options.data);
  }

  /** What a service runs with, before it has a process. Rejects if a port is taken that it doesn't have yet. */
  async #enter(manifest: Manifest, signal: AbortSignal): Promise<Running> {
    const { options, databases, env, versionOf } = this.#settings;
    const { service, database } = manifest;
    if (!isStartable(manifest))
      throw new Error(`${folderOf(service)} isn't built: npm run build, and tsconfig.build.json must name it`);
    const { instances } = scaled(options.data, manifest);
    const planned = plan([{ ...manifest, instances: instances || manifest.instances }], options.portBase);
    const held = new Set(portsOf(this.#running.get(service)?.planned ?? []).map(({ port }) => port));
    const added = portsOf(planned).filter(({ port }) => !held.has(port));
    await requireFreePorts(added, PORT_REMEDY, signal);
    const url = database === undefined ? {} : { DATABASE_URL: await databases.urlOf(database) };
    if (this.#closing.signal.aborted) throw new Error('the system stops');
    const own = service === REGISTRY ? { RONDO_REGISTRY_SYSTEM: path.resolve(root) } : {};
    const variables = { ...env, RONDO_REGISTRY: this.registry, ...own, ...url };
    return { manifest, version: versionOf?.(manifest) ?? '', env: variables, planned, children: [] };
  }

  /** Starts processes in the place of those of the same names, or of all processes of the service's earlier entry. */
  async #launch(entry: Running, planned: readonly Planned[], { signal, after }: StartOptions) {
    const { service } = entry.manifest;
    const before = this.#running.get(service);
    const successors = await this.#prepare(entry, planned, { append: before !== undefined, signal, after }).catch(
      (error: unknown) => {
        const going = before?.children.filter((child) => isAmong(planned, child) && child.isRunning()) ?? [];
        const names = going.map(({ name }) => name).join(', ');
        throw going.length === 0
          ? error
          : new Error(`${messageOf(error)}\n${names} as before: still running`, { cause: error });
      },
    );
    const others = before === entry ? before.children.filter((child) => !isAmong(planned, child)) : [];
    this.#isRegistryAway ||= service === REGISTRY;
    const stopped = this.#end(before?.children.filter((child) => !others.includes(child)) ?? []);
    entry.children = [...others, ...successors];
    this.#running.set(service, entry);
    this.#note();
    // A first start doesn't ask the clock, which may be set back meanwhile.
    const since = new Date(before === undefined ? 0 : Date.now());
    for (const child of successors) child.takeOver();
    try {
      if (service === REGISTRY) await stopped; // it would answer in the place of its successor
      return await this.#untilUp(entry, successors, { signal, since });
    } catch (error) {
      if (!signal.aborted) await this.#drop(entry, successors);
      throw error;
    } finally {
      for (const child of successors) this.#supervise(entry, child);
      await stopped;
      if (service === REGISTRY) this.#isRegistryAway = false;
    }
  }

  /** Starts processes, and waits until nothing is missing but their ports. If one ends, or the signal aborts, all are killed. */
  async #prepare(
    entry: Running,
    planned: readonly Planned[],
    { append, signal, after }: StartOptions & { readonly append: boolean },
  ): Promise<readonly Child[]> {
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    ending.throwIfAborted();
    const children = planned.map((one) => this.#spawn(entry, one, { append, takesOver: true }));
    const aborted = new Promise<never>((_, reject) => {
      ending.addEventListener('abort', () => reject(ending.reason), { once: true });
    });
    const failed = firstToEnd(children);
    try {
      await Promise.race([after, aborted]);
      await Promise.race([Promise.all(children.map(({ prepared }) => prepared)), failed, aborted]);
      ending.throwIfAborted();
      return children;
    } catch (error) {
      killAll(children);
      throw error;
    }
  }

  #spawn(entry: Running, planned: Planned, how: Pick<ChildOptions, 'append' | 'takesOver'>): Child {
    const { options } = this.#settings;
    const metrics = options.metrics ? { RONDO_METRICS: metricsAddress(planned) } : {};
    const env = { ...entry.env, ...metrics };
    const warn = (line: string) => this.#warn(line, entry.manifest.service);
    const child = startChild(planned, { ...options, env, warn, ...how });
    this.#spawned.add(child);
    this.#note();
    void child.ended.then(() => {
      this.#spawned.delete(child);
      if (!this.#closing.signal.aborted) this.#note();
    });
    return child;
  }

  async #untilUp({ manifest }: Running, children: readonly Child[], times: Pick<ReadyOptions, 'signal' | 'since'>) {
    const waiting = { ...this.#settings.options, ...times, failed: firstToEnd(children) };
    if (manifest.service !== REGISTRY) return await untilReady({ ...waiting, names: children.map(({ name }) => name) });
    await untilReady(waiting);
    return [this.#registryRow];
  }

  #supervise(entry: Running, child: Child): void {
    void child.ended.then((how) => {
      if (this.#closing.signal.aborted || this.#stopped.has(child)) return;
      this.#settings.supervisor.ended(child.name, how, () => this.#restart(entry, child));
    });
  }

  async #restart(entry: Running, ended: Child): Promise<boolean> {
    const planned = entry.planned.find(({ name }) => name === ended.name);
    if (planned === undefined) return false;
    const child = this.#spawn(entry, planned, { append: true, takesOver: false });
    entry.children = entry.children.map((one) => (one === ended ? child : one));
    this.#note();
    this.#supervise(entry, child);
    try {
      await this.#untilUp(entry, [child], { signal: this.#closing.signal, since: new Date() });
      return true;
    } catch {
      return false; // it has ended, which the supervisor learns, or it is still starting
    }
  }

  /** Stops some processes of a service. A service without processes doesn't run. */
  async #drop(entry: Running, children: readonly Child[]): Promise<void> {
    await this.#end(children);
    entry.children = entry.children.filter((child) => !children.includes(child));
    const { service } = entry.manifest;
    if (entry.children.length === 0 && this.#running.get(service) === entry) this.#running.delete(service);
    this.#note();
  }

  async #end(children: readonly Child[]): Promise<void> {
    for (const child of children) {
      this.#stopped.add(child);
      this.#settings.supervisor.forget(child.name);
    }
    await stopChildren(children);
  }

  #warn(line: string, service: string): void {
    const isExpected = this.#isRegistryAway && service !== REGISTRY;
    if (!this.#closing.signal.aborted && !isExpected) this.#settings.warn(line);
  }

  #note(): void {
    try {
      const { options } = this.#settings;
      writeProcesses(options.data, [...this.#spawned, ...this.#children]); // until it takes over, a successor isn't the one of its name
      if (options.observe)
        writeTargets(
          options,
          [...this.#running.values()].flatMap(({ planned }) => planned),
        );
    } catch (error) {
      this.#warn(`the ids of processes can't be written: ${messageOf(error)}`, REGISTRY); // as on a full disk
    }
  }
}

const isAmong = (all: readonly { readonly name: string }[], { name }: { readonly name: string }): boolean =>
  all.some((one) => one.name === name);
