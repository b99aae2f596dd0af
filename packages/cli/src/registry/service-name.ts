import { nearest } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { UsageError } from '../errors.js';

/**
 * The services that `name` may mean. The readings, closest first: the full name; its end, from a dot on; the same in any case,
 * with or without `Service`. A closer reading hides the looser ones. A package in the name must match: `v2.Calculator` never means
 * a service of v1.
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
 * The service that `name` means; undefined if there is none.
 *
 * @throws UsageError that lists the candidates if there are several.
 */
export function matchService(name: string, services: readonly string[]): string | undefined {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined || others.length === 0) return service;
  throw new UsageError(`"${name}" may be any of ${[service, ...others].join(', ')}: write more of the name`);
}

/** The error that no instance of `name` is registered, with the status of a failed call. `warming`: the registry has just started. */
export function notRegistered(name: string, services: readonly string[], warming: boolean): RpcError {
  const warmingNote = warming ? '. The registry has only just started: it may still come back' : '';
  const message = `no instance of "${name}" is registered. ${knownServices(name, services)}${warmingNote}`;
  return new RpcError(Status.UNAVAILABLE, message);
}

/** Suggests a similar service, and lists the services there are. */
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

/** The last part of a name, normalized by {@link plain}. */
function shortName(name: string): string {
  return plain(name.slice(name.lastIndexOf('.') + 1));
}

/** A name in lower case, without the suffix `Service`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/(?<=\w)service$/, '');
}
