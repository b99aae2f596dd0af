import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { checkZone } from '@rondo/rpc/internal';
import { defineActions } from '../command.js';
import { asUsage, UsageError } from '../errors.js';
import { valued } from '../help.js';
import { registryOption } from '../options.js';
import { registryAddresses } from '../registry/locate.js';

/** How soon a client takes new certificates from its files. */
const REFRESH = '5s';

export const xds = defineActions({
  name: 'xds',
  summary: 'Prints the file by which gRPC clients in any language find services, as xds:///SERVICE.',
  details: [
    'The environment variable GRPC_XDS_BOOTSTRAP of a client names the file. Several registries share their clients only if their',
    "addresses are IPv4. What each language's client can do: docs/guides/other-languages.md.",
  ].join('\n'),
  options: {
    zone: {
      ...valued('REGION/ZONE', 'Where the client runs: it prefers instances of the zone, then of the region.'),
      read: (text: string) => asUsage(() => checkZone(text, '--zone')),
    },
    certificates: {
      ...valued('DIR', "The folder of the client's certificate, for a system with TLS: ca.crt, tls.crt and tls.key."),
      complete: 'folders',
    },
    node: valued('ID', "The client's name in the registry's log; by default that of the machine."),
    ...registryOption,
  },
  examples: [
    ['xds bootstrap > xds.json', 'Then GRPC_XDS_BOOTSTRAP=xds.json ./client.'],
    ['xds bootstrap --certificates .rondo/certs/shop > xds.json', 'For a client with a certificate.'],
  ],
  actions: {
    bootstrap: {
      args: {},
      async run({ zone = '', certificates, node = hostname() }, context) {
        const addresses = await registryAddresses(context);
        const folder = certificates === undefined ? undefined : path.resolve(context.directory, certificates);
        const json = bootstrapOf({ addresses, node, zone, folder });
        return { json, text: `${JSON.stringify(json, undefined, 2)}\n` };
      },
    },
  },
});

interface BootstrapOptions {
  readonly addresses: readonly string[];
  readonly node: string;
  /** Empty for none. */
  readonly zone: string;
  /** The folder of the client's certificate; undefined for connections without TLS. */
  readonly folder: string | undefined;
}

/** The bootstrap file. Source: gRFC A27, A29 and A65. */
export function bootstrapOf({ addresses, node, zone, folder }: BootstrapOptions) {
  const [region = '', ofRegion = ''] = zone.split('/');
  const files = folder && {
    ca_certificate_file: path.join(folder, 'ca.crt'),
    certificate_file: path.join(folder, 'tls.crt'),
    private_key_file: path.join(folder, 'tls.key'),
    refresh_interval: REFRESH,
  };
  return {
    xds_servers: [
      {
        server_uri: serverUri(addresses),
        channel_creds: [files ? { type: 'tls', config: files } : { type: 'insecure' }],
        server_features: ['xds_v3'],
      },
    ],
    authorities: {},
    // Node's client asks for a locality, be it empty.
    node: {
      id: node,
      locality: zone === '' ? {} : { region, zone: ofRegion },
      ...(files && { metadata: { rondo_certificates: true } }),
    },
    ...(files && { certificate_providers: { rondo: { plugin_name: 'file_watcher', config: files } } }),
  };
}

/** gRPC takes several addresses of one server as `ipv4:`. A second server in the file would be used by some clients alone. */
function serverUri(addresses: readonly string[]): string {
  const [first = ''] = addresses;
  if (first.includes('://')) throw new UsageError(`${first} is a registry of another kind, which has no xDS`);
  if (addresses.length === 1) return first;
  const named = addresses.find((address) => !isIPv4(address.replace(/:\d+$/, '')));
  if (named === undefined) return `ipv4:${addresses.join(',')}`;
  throw new UsageError(`${named} is no IPv4 address: name one registry, or several by their IPv4 addresses`);
}
