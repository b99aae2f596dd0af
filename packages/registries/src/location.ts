/** Where a registry of another kind is, and under which names it has services. */
export interface RegistryLocation {
  /** Its servers, as `host:port`; at least one. */
  readonly servers: readonly string[];
  /** The path behind the servers, with a slash before it and none at its end; empty if there is none. */
  readonly path: string;
  /** The values of the keys that the registry knows. */
  readonly options: ReadonlyMap<string, string>;
  /** The name that the registry has for a service, if it isn't the full name. */
  nameOf(service: string): string;
  /** The full name of the service that the registry has under this name. */
  serviceOf(name: string): string;
  /** The location without its query. */
  readonly address: string;
}

/** Whether a name has the form of the full name of a gRPC service, such as `greeter.v1.Greeter`. */
export const isFullName = (name: string): boolean => SERVICE.test(name);

/** How the location of one kind of registry is written. */
export interface LocationForm {
  /** Such as `zookeeper`. */
  readonly scheme: string;
  /** The port of a server that names none. */
  readonly port: number;
  /** The keys of its query. Any other key is the full name of a service, and its value the registry's name for it. */
  readonly keys?: readonly string[];
}

const FORM = /^(?<scheme>[a-z]+):\/\/(?<servers>[^/?@]+)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/;
const SERVER = /^(?<host>\[[\da-fA-F:.]+\]|[\w.-]+)(?::(?<port>\d{1,5}))?$/;
/** It may be a password whose host is missing. */
const NO_PORT = /:(?!\d{1,5}$).*/;
const OF_TLS = ['ca-file', 'cert-file', 'key-file'];
const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

/**
 * Parses `SCHEME://HOST:PORT,HOST:PORT/PATH?KEY=VALUE`. It has no credentials: a key names their file. If `tls` is among the keys, its
 * value is checked, and files for TLS need it on.
 *
 * @throws TypeError that names the part, its rule and the remedy.
 */
export function parseLocation(text: string, { scheme, port, keys = [] }: LocationForm): RegistryLocation {
  const parts = FORM.exec(text)?.groups;
  const example = `${scheme}://10.0.0.7:${port}`;
  // Of a text with a login no part is quoted, as it may be one of the password.
  if (text.includes('@'))
    throw new TypeError(`give ${scheme}://HOST:PORT, such as ${example}, and / ? @ elsewhere as %2F %3F %40`);
  if (parts?.['scheme'] !== scheme) throw new TypeError(`give ${scheme}://HOST:PORT, such as ${example}`);
  const servers = (parts['servers'] ?? '').split(',').map((server) => {
    const { host, port: own = String(port) } = SERVER.exec(server)?.groups ?? {};
    if (host !== undefined && Number(own) > 0 && Number(own) < 65_536) return `${host}:${own}`;
    throw new TypeError(`${server.replace(NO_PORT, '')} is no HOST:PORT; give ${example}`);
  });
  const path = (parts['path'] ?? '').replace(/\/+$/, '');
  const options = new Map<string, string>();
  const names = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(parts['query'])) {
    if (value === '') throw new TypeError(`${key} is empty; give ${key}=VALUE`);
    if (options.has(key)) throw new TypeError(`${key} is given twice; give it once`);
    if (keys.includes(key)) options.set(key, value);
    else if (SERVICE.test(key)) names.set(key, value);
    else throw new TypeError(`${key} is neither ${keys.join(', ')} nor the full name of a service`);
  }
  const tls = options.get('tls') ?? 'off';
  if (tls !== 'on' && tls !== 'off') throw new TypeError(`tls is ${tls}; give on or off`);
  const ofTls = tls === 'off' ? OF_TLS.find((key) => options.has(key)) : undefined;
  if (ofTls !== undefined) throw new TypeError(`${ofTls} has no effect without TLS; give tls=on, too`);
  const services = new Map([...names].map(([service, name]) => [name, service]));
  return {
    servers,
    path,
    options,
    nameOf: (service) => names.get(service) ?? service,
    serviceOf: (name) => services.get(name) ?? name,
    address: `${scheme}://${servers.join(',')}${path}`,
  };
}
