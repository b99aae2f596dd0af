import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random } from '@rondo/rpc/clock';
import type { Absent, Catalogue, PublicMethod } from './catalogue.js';
import type { Contract } from './contract.js';
import { createInstanceTracker, type InstanceSource, type ServiceInstance } from './instances.js';
import { createLearner } from './learner.js';
import { createServices, type Services } from './services.js';
import type { ServiceVersions } from './versions.js';
import { createView, isOffered, type View } from './view.js';

/** What a catalogue is made from. */
export interface CatalogueOptions {
  readonly instances: InstanceSource;
  /** Makes a channel to one address, to learn contracts from the instance there. The catalogue closes it. */
  readonly connect: (instance: ServiceInstance) => Channel;
  /** Is called once for each service, before its first call: `Channel.follow`. */
  readonly follow?: (service: string, policy: Contract['policy']) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How many services are kept. 1,000 by default. */
  readonly maxServices?: number;
  /** Which services have which paths, whenever they registered. */
  readonly pathOwners?: Parameters<typeof createView>[2];
}

/** A catalogue that follows the instances until it is closed. */
export interface LiveCatalogue extends Catalogue {
  /** Whether the instances are known, and each has been asked for its contracts at least once. A new instance makes it false again. */
  readonly settled: boolean;
  /** Whether it has ever been settled: from then on, a method that is unknown doesn't exist. */
  readonly started: boolean;
  /** Whether all instances of a service, or of any while an instance came or began to serve 2 s ago at most, are new: their contract isn't known yet. */
  learning(service?: string): boolean;
  /** How many instances of a service are known. */
  instancesOf(service: string): number;
  /** Whether an instance of any service has this address. */
  isAddress(text: string): boolean;
  /** The contracts of the public services that run now; of each service the most frequent one first. */
  contracts(): readonly Contract[];
  close(): void;
}

const MAX_SERVICES = 1_000;
/** An instance that takes longer to tell its contract keeps no request to an unknown path waiting. */
const NEW_MS = 2_000;

/** Creates a catalogue of what the instances serve. It learns their contracts by reflection. */
export function createCatalogue(options: CatalogueOptions): LiveCatalogue {
  const { instances, log, clock, maxServices = MAX_SERVICES } = options;
  const services = createServices(maxServices, log);
  const { view, changed, ...observed } = createViewer(services, options);
  const announce = createAnnouncement(options);
  let listed = false;
  let newUntil = 0;
  let addresses: ReadonlySet<string> = new Set();
  let started = false;

  const learner = createLearner({
    ...options,
    onLearned(instance, service, files) {
      const versions = services.find(service);
      if (versions === undefined) return true;
      if (!versions.learn(instance, files)) return false;
      announce(versions);
      changed();
      return true;
    },
    onRefused(instance, service) {
      services.find(service)?.refuse(instance);
      changed();
    },
    onAsked() {
      started ||= isSettled();
      changed();
    },
  });
  const isSettled = () => listed && learner.settled;
  const track = createInstanceTracker();
  const following = instances.follow((list) => {
    const { joined, left, ready } = track(services.admit(list));
    addresses = new Set(list.map(({ address }) => address));
    for (const instance of left) {
      learner.forget(instance);
      services.leave(instance, clock.now());
    }
    for (const instance of joined) learner.learn({ instance, services: services.join(instance) });
    for (const instance of ready) learner.hurry(instance);
    if (joined.length + ready.length > 0) newUntil = clock.now() + NEW_MS;
    const dated = services.date(list);
    if (listed && !dated && joined.length === 0 && left.length === 0) return;
    listed = true;
    started ||= isSettled();
    changed();
  });

  return {
    ...observed,
    method: (path) => methodAt(path, view(), services),
    route: (verb, path) => view().route(verb, path),
    get services() {
      return view().services;
    },
    get routes() {
      return view().routes;
    },
    get revision() {
      return observed.revision();
    },
    get settled() {
      return isSettled();
    },
    get started() {
      return started;
    },
    learning: (service) =>
      service === undefined
        ? clock.now() < newUntil && services.all().some(({ learning }) => learning)
        : services.find(service)?.learning === true,
    instancesOf: (service) => services.find(service)?.instances ?? 0,
    isAddress: (text) => addresses.has(text),
    contracts: () =>
      services
        .all()
        .filter(isRunning)
        .flatMap((versions) => versions.contracts),
    close() {
      following.close();
      learner.close();
    },
  };
}

const isRunning = (versions: ServiceVersions) => versions.instances > 0 && isOffered(versions);

/** Makes the view at the first look after a change. */
function createViewer(services: Services, { clock, log, pathOwners }: CatalogueOptions) {
  const warn = createConflictLog(log);
  const listeners = new Set<() => void>();
  let revision = 0;
  let made: View | undefined;
  return {
    view(): View {
      if (made !== undefined) return made;
      made = createView(services.all(), () => clock.now(), pathOwners);
      warn(made.routes);
      return made;
    },
    changed() {
      made = undefined;
      revision += 1;
      for (const listener of [...listeners]) listener();
    },
    revision: () => revision,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const MAX_WARNINGS = 1_000;

/** Logs each binding that is switched off once. */
function createConflictLog(log: Logger) {
  const logged = new Set<string>();
  return (routes: View['routes']) => {
    for (const { target, binding, takenBy } of routes) {
      const text = `${binding.verb} ${binding.template.text} of ${target.method.path}`;
      if (takenBy === undefined || logged.has(`${text} ${takenBy}`)) continue;
      if (logged.size >= MAX_WARNINGS) logged.clear();
      logged.add(`${text} ${takenBy}`);
      const why = `${takenBy} claims its paths; RONDO_GATEWAY_PATH_OWNERS can name their owner`;
      log.warn({ method: target.method.path, takenBy }, `${text} is switched off: ${why}`);
    }
  };
}

/** Follows each public service once, and logs what is wrong with the bindings of its contract. */
function createAnnouncement({ follow, log }: CatalogueOptions) {
  const announced = new WeakSet<ServiceVersions>();
  return (versions: ServiceVersions) => {
    const { service, contracts } = versions;
    const [contract] = contracts;
    if (contract === undefined || !isOffered(versions) || announced.has(versions)) return;
    announced.add(versions);
    for (const fault of contract.faults) log.warn({ target: service }, fault);
    try {
      follow?.(service, contract.policy);
    } catch (error) {
      log.warn({ err: error, target: service }, 'the configured balancing contradicts the contract');
    }
  };
}

function methodAt(path: string, view: View, services: Services): PublicMethod | Absent {
  const service = path.slice(1, path.lastIndexOf('/'));
  const found = view.methods.get(path);
  const versions = services.find(service);
  if (found !== undefined) return versions?.instances === 0 ? { service, reason: 'NONE_RUNNING' } : found;
  if (versions === undefined || versions.instances === 0 || versions.contracts.length > 0) return 'unknown';
  return { service, reason: versions.pending ? 'CONTRACT_PENDING' : 'CONTRACT_REFUSED' };
}
