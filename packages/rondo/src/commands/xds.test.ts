import { describe, expect, it } from '@jest/globals';
import { bootstrapOf } from './xds.js';

const PLAIN = { addresses: ['127.0.0.1:50050'], node: 'shop', zone: '', folder: undefined };

describe('the bootstrap file', () => {
  it('names the registry, and a locality that may be empty', () => {
    expect(bootstrapOf(PLAIN)).toEqual({
      xds_servers: [
        { server_uri: '127.0.0.1:50050', channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
      ],
      authorities: {},
      node: { id: 'shop', locality: {} },
    });
    expect(bootstrapOf({ ...PLAIN, zone: 'eu/a' }).node.locality).toEqual({ region: 'eu', zone: 'a' });
  });

  it('names several registries as one server', () => {
    const uri = (...addresses: string[]) => bootstrapOf({ ...PLAIN, addresses }).xds_servers[0]?.server_uri;
    expect(uri('10.0.0.1:1', '10.0.0.2:1')).toBe('ipv4:10.0.0.1:1,10.0.0.2:1');
    expect(uri('registry:1')).toBe('registry:1');
    expect(() => uri('10.0.0.1:1', 'registry:1')).toThrow('registry:1 is no IPv4 address');
    expect(() => uri('consul://10.0.0.1')).toThrow('has no xDS');
  });

  it('names the certificate of the client, for the registry and for services', () => {
    const files = {
      ca_certificate_file: '/c/ca.crt',
      certificate_file: '/c/tls.crt',
      private_key_file: '/c/tls.key',
      refresh_interval: '5s',
    };
    expect(bootstrapOf({ ...PLAIN, folder: '/c' })).toMatchObject({
      xds_servers: [{ channel_creds: [{ type: 'tls', config: files }] }],
      node: { metadata: { rondo_certificates: true } },
      certificate_providers: { rondo: { plugin_name: 'file_watcher', config: files } },
    });
  });
});
