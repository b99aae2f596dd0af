import type { ReportFault } from '@rondo/rpc/status';

/** The fields of a resource that an update may change, by path, and whether the request sets them. */
export type Updatable<Path extends string> = Readonly<Record<Path, boolean>>;

/** In a mask: all fields, so that the resource is replaced. */
const ALL = '*';

/**
 * Which fields an update is of: those that the mask names, or, without one, all that are set (AIP-134). The answer
 * tells of each path whether it is among them.
 */
export function readUpdateMask<Path extends string>(
  report: ReportFault,
  mask: readonly string[] | undefined,
  updatable: Updatable<Path>,
): (path: Path) => boolean {
  if (mask === undefined || mask.length === 0) return (path) => updatable[path];
  const unknown = mask.filter((path) => path !== ALL && !Object.hasOwn(updatable, path)).map((path) => `"${path}"`);
  if (unknown.length > 0) report(`must be of ${Object.keys(updatable).join(', ')}; it names ${unknown.join(', ')}`);
  const named: ReadonlySet<string> = new Set(mask);
  return (path) => named.has(ALL) || named.has(path);
}
