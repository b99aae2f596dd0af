import { Instance, InstanceStatus, OperatorState, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { endpointAt, field, fromRecord, hostOf, textOf, toRecord } from '@rondo/registries';

/** The key of `metadata` that has the whole instance. */
const RECORD = 'rondo';
/** Where Spring's gRPC servers say their port; `port` is the one of HTTP. */
const GRPC_PORTS = ['gRPC_port', 'gRPC.port'];

/** An application as Eureka names it. */
export const appOf = (name: string) => name.toUpperCase();

/** The id of an instance's entry for one of its services: a server keeps what operators set by this id alone. */
export const entryId = (name: string, { instanceId }: Instance) => `${instanceId}:${name}`;

/**
 * An instance as it is registered. Java clients read its address, its status and the zone.
 *
 * Source: https://github.com/Netflix/eureka/wiki/Eureka-REST-operations
 */
export function toEntry(name: string, instance: Instance, lease: { ttlMs: number; dirtyAt: number }): object {
  const { port, host } = hostOf(instance);
  const isSecure = instance.endpoints[0]?.security === Security.SECURITY_TLS;
  // The server adds the duration twice once an entry is renewed, and counts seconds.
  const durationInSecs = Math.max(1, Math.ceil(lease.ttlMs / 2_000));
  return {
    instance: {
      instanceId: entryId(name, instance),
      app: appOf(name),
      vipAddress: name,
      secureVipAddress: name,
      hostName: host,
      ipAddr: host,
      status: statusOf(instance),
      lastDirtyTimestamp: lease.dirtyAt,
      port: { $: port, '@enabled': !isSecure },
      securePort: { $: port, '@enabled': isSecure },
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { durationInSecs, renewalIntervalInSecs: Math.max(1, Math.floor(lease.ttlMs / 3_000)) },
      metadata: {
        [RECORD]: toRecord(instance),
        gRPC_port: String(port),
        zone: instance.zone,
        version: instance.version,
      },
    },
  };
}

/** Java clients call what is `UP`. `OUT_OF_SERVICE` is for operators. */
function statusOf({ status }: Instance): string {
  if (status === InstanceStatus.INSTANCE_STATUS_SERVING) return 'UP';
  return status === InstanceStatus.INSTANCE_STATUS_STARTING ? 'STARTING' : 'DOWN';
}

/** The id of an entry. A client that gives none has that of its host. */
export const idOf = (entry: unknown): string => textOf(field(entry, 'instanceId')) || textOf(field(entry, 'hostName'));

/**
 * The instance of an entry; undefined if it has no address. One that is out of service is cordoned. `serviceOf` has the full name of a
 * service that another program has registered.
 */
export function fromEntry(entry: unknown, serviceOf: (name: string) => string): Instance | undefined {
  const metadata = field(entry, 'metadata');
  const instance = fromRecord(field(metadata, RECORD)) ?? fromForeign(entry, metadata, serviceOf);
  if (instance !== undefined && field(entry, 'status') === 'OUT_OF_SERVICE') {
    instance.operatorState = OperatorState.OPERATOR_STATE_CORDONED;
  }
  return instance;
}

function fromForeign(entry: unknown, metadata: unknown, serviceOf: (name: string) => string): Instance | undefined {
  const host = textOf(field(entry, 'ipAddr')) || textOf(field(entry, 'hostName'));
  const secure = field(entry, 'securePort');
  const isSecure = String(field(secure, '@enabled')) === 'true';
  const grpc = Number(GRPC_PORTS.map((key) => field(metadata, key)).find(Boolean));
  const port = grpc || field(isSecure ? secure : field(entry, 'port'), '$');
  const security = isSecure ? Security.SECURITY_TLS : Security.SECURITY_PLAINTEXT;
  const endpoints = [...endpointAt(host, port, security)];
  if (endpoints.length === 0) return undefined;
  const isUp = ['UP', 'OUT_OF_SERVICE'].includes(textOf(field(entry, 'status')));
  return Instance.fromPartial({
    instanceId: idOf(entry),
    endpoints,
    services: [serviceOf(textOf(field(entry, 'vipAddress')))],
    zone: textOf(field(metadata, 'zone')),
    version: textOf(field(metadata, 'version')),
    status: isUp ? InstanceStatus.INSTANCE_STATUS_SERVING : InstanceStatus.INSTANCE_STATUS_STARTING,
  });
}
