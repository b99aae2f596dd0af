import type { TlsOptions } from '@rondo/rpc/transport';

/** Where an etcd is, and how it is spoken to. */
export interface EtcdAddress {
  /** `host:port`, one for each member that may be asked. */
  readonly endpoints: readonly string[];
  /** What all keys begin with: several registries may share an etcd. */
  readonly prefix: string;
  /** Plaintext where it is missing. */
  readonly tls?: TlsOptions | undefined;
  readonly credentials?: EtcdCredentials | undefined;
}

/** A user of etcd. */
export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}
