import type { Snapshot } from '@rondo/operate/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { knownServices, matchServices } from '@rondo/schema';
import { UsageError } from '../errors.js';

/**
 * The service that `name` means; undefined if there is none.
 *
 * @throws UsageError that lists the candidates if there are several.
 */
export function matchService(name: string, services: readonly string[]): string | undefined {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined || others.length === 0) return service;
  throw new UsageError(`"${name}" may be any of ${[service, ...others].join(', ')}: write more of the name`);
}

/**
 * The registered service that `name` means.
 *
 * @throws UsageError if there are several, RpcError `UNAVAILABLE` if there is none.
 */
export function registeredService(name: string, { instances, warming }: Listed): string {
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service !== undefined) return service;
  const note = warming ? '. The registry has only just started: it may still come back' : '';
  const message = `no instance of "${name}" is registered. ${knownServices(name, services)}${note}`;
  throw new RpcError(Status.UNAVAILABLE, message);
}

type Listed = Pick<Snapshot['listing'], 'instances' | 'warming'>;
