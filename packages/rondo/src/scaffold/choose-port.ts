import { publicPorts } from '../check/planned.js';
import { DEFAULTS } from '../launch/options.js';
import { DATABASE_OFFSET } from '../launch/plan.js';
import type { Manifest } from '../workspace/manifests.js';
import { Refusal } from './errors.js';
import { composeServices } from './workspace-files/compose-file.js';

type ServicePorts = Pick<Manifest, 'service' | 'port' | 'public'>;

const { portBase: BASE } = DEFAULTS;
/** The first port for new services. The ports below it are for the services that come with Rondo. */
const FIRST = 50_060;
const MAX = 65_535;

/**
 * Chooses the port of a new service: the requested one, else the next free one.
 *
 * @throws Refusal if the requested port isn't available.
 */
export function choosePort(root: string, manifests: readonly ServicePorts[], wanted?: number): number {
  const taken = portsTaken(root, manifests);
  if (wanted === undefined) return firstFree(taken);
  const by = taken.get(wanted);
  const refuse = (reason: string) =>
    new Refusal(`port ${wanted} ${reason}`, { remedy: `take another, such as ${firstFree(taken)}` });
  if (by !== undefined) throw refuse(`belongs to ${by}`);
  if (wanted <= BASE || wanted > MAX)
    throw refuse(`can't be the port of a service: these lie above ${BASE}, the base port of npm start`);
  return wanted;
}

function portsTaken(root: string, manifests: readonly ServicePorts[]): ReadonlyMap<number, string> {
  return new Map([
    [BASE + DATABASE_OFFSET, 'the embedded PostgreSQL'],
    ...composeServices(root).flatMap(({ name, ports }) => ports.map((port): [number, string] => [port, name])),
    ...manifests.flatMap((one) => [one.port, ...publicPorts(one)].map((port): [number, string] => [port, one.service])),
  ]);
}

function firstFree(taken: ReadonlyMap<number, string>): number {
  let port = FIRST;
  while (taken.has(port)) port += 1;
  return port;
}
