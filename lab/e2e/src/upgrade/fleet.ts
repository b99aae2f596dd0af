import { freePort, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import type { Version } from './version.js';

/** The services of which two replicas run, in the order in which they are replaced. */
export const REPLICATED = ['project-management', 'calculator', 'sales', 'gateway'] as const;

/** A service of which two replicas run. */
export type Replicated = (typeof REPLICATED)[number];

/** A registry and two replicas of each service, over one database server. */
export type Fleet = Awaited<ReturnType<typeof startFleet>>;

interface Replica {
  readonly version: Version;
  readonly process: ServiceProcess;
}

/** Starts a fleet of one version. */
export async function startFleet(first: Version) {
  const postgres = await startPostgres();
  const databases: Readonly<Record<string, string>> = {
    'project-management': await postgres.createDatabase('project_management'),
    sales: await postgres.createDatabase('sales'),
  };
  let registry = await startRegistry({ root: first.root });
  const listen = registry.address;
  const gateways = await Promise.all([1, 2, 3, 4].map(async () => `127.0.0.1:${await freePort()}`));
  const replicas = new Map<Replicated, Replica[]>(REPLICATED.map((service) => [service, []]));
  let started = 0;
  let gatewaysStarted = 0;

  // The one that was stopped longest ago.
  const nextGateway = () => gateways[gatewaysStarted++ % gateways.length] ?? '';
  const startOne = async (service: Replicated, version: Version): Promise<string> => {
    const instanceId = `${service}-${version.name}-${++started}`;
    const url = databases[service];
    const process = await startService(service, {
      root: version.root,
      instanceId,
      registry: listen,
      env: {
        ...(url !== undefined && { DATABASE_URL: url }),
        ...(service === 'gateway' && { RONDO_GATEWAY_LISTEN: nextGateway() }),
      },
    });
    replicas.get(service)?.push({ version, process });
    return instanceId;
  };
  const takeOldest = (service: Replicated): Replica => {
    const oldest = replicas.get(service)?.shift();
    if (oldest === undefined) throw new Error(`no ${service} runs`);
    return oldest;
  };

  const fleet = {
    registry: listen,
    /** The addresses at which gateways listen for HTTP. Each replica takes the place of another. */
    gateways,
    /** Starts two replicas of a version next to those that run, and gives their ids. */
    async start(service: Replicated, version: Version): Promise<string[]> {
      return [await startOne(service, version), await startOne(service, version)];
    },
    /** Stops the two replicas of a service that have run for longest, and waits for their end. */
    async stopOldest(service: Replicated) {
      for (const { process } of [takeOldest(service), takeOldest(service)]) await process.stop();
    },
    /** Kills the replica of a service that has run for longest, and starts another of the same version. */
    async kill(service: Replicated) {
      const { process, version } = takeOldest(service);
      await process.stop('SIGKILL');
      await startOne(service, version);
    },
    /** Stops the registry, and starts one of a version at its address. */
    async replaceRegistry({ root }: Version) {
      await registry.stop();
      registry = await startRegistry({ root, listen });
    },
    async stop() {
      for (const { process } of [...replicas.values()].flat().reverse()) await process.stop();
      await registry.stop();
      await postgres.stop();
    },
  };
  for (const service of REPLICATED) await fleet.start(service, first);
  return fleet;
}
