import { nearest } from '@rondo/rpc/contract';
import { RpcError, Status } from '@rondo/rpc/status';
import { UsageError } from '../errors.js';

/**
 * The services that `name` may mean, the closest way of reading it first: in full; any end of it, from a dot on;
 * the same with or without `Service`, in any case. A closer reading hides the looser ones. A package that is named
 * always counts: where nobody serves v2, that is no call of v1.
 */
function matchServices(name: string, services: readonly string[]): readonly string[] {
  const readings = [
    (service: string) => service === name,
    (service: string) => service.endsWith(`.${name}`),
    (service: string) => `.${plain(service)}`.endsWith(`.${plain(name)}`),
  ];
  for (const reading of readings) {
    const found = services.filter(reading);
    if (found.length > 0) return [...found].sort();
  }
  return [];
}

/**
 * The one service that `name` means; undefined where there is none.
 *
 * @throws UsageError that lists the candidates where there are several.
 */
export function matchService(name: string, services: readonly string[]): string | undefined {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined || others.length === 0) return service;
  throw new UsageError(`"${name}" may be any of ${[service, ...others].join(', ')}: write more of the name`);
}

/** That no instance serves what `name` means, as a call of it would fail. `warming`: the registry has just started. */
export function notRegistered(name: string, services: readonly string[], warming: boolean): RpcError {
  const patience = warming ? '. The registry has only just started: it may still come back' : '';
  const message = `no instance of "${name}" is registered. ${knownServices(name, services)}${patience}`;
  return new RpcError(Status.UNAVAILABLE, message);
}

/** What to say of a name that no service has: what was probably meant, and what there is. */
export function knownServices(name: string, services: readonly string[]): string {
  if (services.length === 0) return 'no service is registered';
  const meant = nearest(name, services) ?? nearestShort(name, services);
  const hint = meant === undefined ? '' : `Did you mean "${meant}"? `;
  return `${hint}There are: ${[...services].sort().join(', ')}`;
}

function nearestShort(name: string, services: readonly string[]): string | undefined {
  const short = nearest(shortName(name), services.map(shortName));
  return services.find((service) => shortName(service) === short);
}

/** The last part of a name, {@link plain}. */
function shortName(name: string): string {
  return plain(name.slice(name.lastIndexOf('.') + 1));
}

/** A name without the differences that people overlook: case, and `Service` behind it. */
function plain(name: string): string {
  return name.toLowerCase().replace(/(?<=\w)service$/, '');
}
