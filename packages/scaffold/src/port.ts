import type { Manifest } from './manifests.js';
import { Refusal } from './refusal.js';
import { composeServices } from './root-files/index.js';

/** From which npm start counts, unless it is told otherwise. */
const BASE = 50_050;
/** Of those that are handed out: what stands below is for the services that Rondo brings. */
const FIRST = 50_060;
const MAX = 65_535;
/** The embedded PostgreSQL's. */
const DATABASE = 50_059;

/**
 * The port of a new service: the one asked for, else the next one that is free.
 *
 * @throws Refusal where it can't be had.
 */
export function choosePort(root: string, manifests: readonly Manifest[], wanted?: number): number {
  const taken = portsTaken(root, manifests);
  if (wanted === undefined) return firstFree(taken);
  const by = taken.get(wanted);
  const refuse = (reason: string) =>
    new Refusal(`port ${wanted} ${reason}`, { remedy: `take another, such as ${firstFree(taken)}` });
  if (by !== undefined) throw refuse(`belongs to ${by}`);
  if (wanted <= BASE || wanted > MAX)
    throw refuse(`can't be a service's: they lie above ${BASE}, from which npm start counts`);
  return wanted;
}

function portsTaken(root: string, manifests: readonly Manifest[]): ReadonlyMap<number, string> {
  return new Map([
    [DATABASE, 'the embedded PostgreSQL'],
    ...composeServices(root).flatMap(({ name, ports }) => ports.map((port): [number, string] => [port, name])),
    ...manifests.map(({ port, service }): [number, string] => [port, service]),
  ]);
}

function firstFree(taken: ReadonlyMap<number, string>): number {
  let port = FIRST;
  while (taken.has(port)) port += 1;
  return port;
}
