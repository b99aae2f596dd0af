import { Resolver as DnsClient, lookup as lookUpBySystem } from 'node:dns/promises';
import { isIP } from 'node:net';

/**
 * Finds the IP addresses of a host, in any order. It rejects if it can't tell; a {@link DnsFailure} says why in words of
 * its own. `signal` aborts when the answer isn't needed any more.
 */
export type DnsLookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Why a name has no addresses: the message is for the caller. */
export class DnsFailure extends Error {
  override readonly name = 'DnsFailure';
}

/** The parts of `dns://server/host:port`. */
export interface DnsTarget {
  /** The DNS server, `address` or `address:port`; undefined for those that the machine uses. */
  readonly server: string | undefined;
  /** A host name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const TARGET = /^(?:dns:(?:\/\/(?<server>[^/]*)\/)?)?(?<host>\[[^\]]*\]|[^:[\]/]*)(?::(?<port>[^:/]*))?$/;
/** Labels of letters, digits, hyphens and underscores, with a dot at the end for a name that is complete. */
const HOST_NAME = /^(?=.{1,254}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/;
const MAX_PORT = 65_535;

/**
 * Parses the target of a DNS resolver: `dns:///host:port`, `dns://server/host:port`, `dns:host:port` or `host:port`.
 *
 * @throws TypeError that names the part, the rule and an example.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/naming.md
 */
export function parseDnsTarget(target: string): DnsTarget {
  const { server, host = '', port = '' } = TARGET.exec(target)?.groups ?? {};
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
  if (bare === host ? !HOST_NAME.test(host) : isIP(bare) !== 6) {
    throw new TypeError(`"${target}": must be dns:///host:port, such as dns:///calculator.example:50051`);
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > MAX_PORT) {
    const wrong = port === '' ? 'has no port' : `has the port "${port}"`;
    throw new TypeError(`"${target}" ${wrong}: end it in one from 1 to ${MAX_PORT}, such as dns:///${host}:50051`);
  }
  if (server !== undefined && server !== '') checkServer(server, target);
  return { server: server === '' ? undefined : server, host: bare, port: Number(port) };
}

function checkServer(server: string, target: string): void {
  try {
    new DnsClient().setServers([server]);
  } catch (cause) {
    const rule = 'must be an IP address, with a port if it is not 53, such as dns://127.0.0.1:53/host:port';
    throw new TypeError(`"${target}": the DNS server "${server}" ${rule}`, { cause });
  }
}

/** Looks hosts up as the machine does: by its hosts file, its search domains and its DNS servers. */
export const systemLookup: DnsLookup = async (host) => {
  const found = await lookUpBySystem(host, { all: true });
  return found.map(({ address }) => address);
};

/** How long the DNS server may take for one answer, and how often it is asked. */
const ATTEMPT = { timeout: 2_000, tries: 2 };

/** Looks hosts up at one DNS server: the A and the AAAA records. */
export function lookupAt(server: string): DnsLookup {
  return async (host, signal) => {
    const client = new DnsClient(ATTEMPT);
    client.setServers([server]);
    const cancel = () => client.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      // Some servers answer AAAA with an error. The A records are used all the same.
      const answers = await Promise.allSettled([client.resolve4(host), client.resolve6(host)]);
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      const [failure] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
      if (addresses.length === 0 && failure !== undefined) throw failure;
      return addresses;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOTFOUND', 'there is no such name: check its spelling'],
  ['ENODATA', 'the name has neither A nor AAAA records: add one, or check its spelling'],
  ['EAI_AGAIN', 'no DNS server answers: check the network'],
  ['ETIMEOUT', "the DNS server doesn't answer in time"],
  ['ECONNREFUSED', 'the DNS server refuses the connection: check its address'],
  ['ESERVFAIL', 'the DNS server reports a failure of its own'],
]);

/** Why a lookup failed, for a caller. */
export function describeFailure(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return REASONS.get(code) ?? (error instanceof Error ? error.message : String(error));
}

/**
 * The addresses of an answer, each once.
 *
 * @throws DnsFailure if there is none, or one that isn't an IP address.
 */
export function checkAddresses(found: readonly string[]): readonly string[] {
  const wrong = found.find((address) => isIP(address) === 0);
  if (wrong !== undefined) throw new DnsFailure(`"${wrong}" was found, which is not an IP address`);
  if (found.length === 0) throw new DnsFailure(REASONS.get('ENODATA'));
  return [...new Set(found)];
}
