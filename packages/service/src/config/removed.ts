/** The variables of earlier versions that no process reads any more, each with what takes its place. */
const REMOVED: Readonly<Record<string, string>> = {
  RONDO_ADMISSION: 'set admission with rondo config while processes run',
  RONDO_AUDIT_RETENTION_DAYS: 'give the days to RONDO_AUDIT, such as RONDO_AUDIT=365',
  RONDO_BREAKER: 'set breaker in the contract, or by rondo config while processes run',
  RONDO_BULKHEAD: 'set bulkhead in the contract, or by rondo config while processes run',
  RONDO_CACHE_BYTES: 'pass cacheBytes to runService',
  RONDO_COMPRESSION: 'set compression in the options of the contract, or for a call',
  RONDO_COORDINATORS: 'pass coordinators to createParticipant',
  RONDO_GATEWAY_LAUNCHER: 'npm start passes the file by itself',
  RONDO_GATEWAY_MAX_CONNECTIONS: 'set RONDO_GATEWAY_LIMITS=connections=N',
  RONDO_GATEWAY_MAX_CONNECTIONS_PER_CLIENT: 'set RONDO_GATEWAY_LIMITS=client-connections=N',
  RONDO_GATEWAY_MAX_MESSAGE_BYTES: 'set RONDO_MAX_REQUEST_BYTES=N',
  RONDO_GATEWAY_PAGES: 'npm start and images find the pages by themselves',
  RONDO_GATEWAY_RATE: 'set RONDO_GATEWAY_LIMITS=client-rate=N,client-burst=N',
  RONDO_GATEWAY_SERVED_BY: 'a port with the console (RONDO_GATEWAY_CONSOLE) names the instance in each answer',
  RONDO_GATEWAY_TLS_CERT: 'put the certificate as tls.crt into the folder RONDO_GATEWAY_TLS_DIR',
  RONDO_GATEWAY_TLS_KEY: 'put the key as tls.key into the folder RONDO_GATEWAY_TLS_DIR',
  RONDO_HANDOVER_MS: 'npm start passes --handover by itself',
  RONDO_LOG_BYTES: 'set RONDO_RECENT_BYTES, which is for spans and log lines together',
  RONDO_MAX_CONNECTION_AGE_MS: 'it is always 30 minutes',
  RONDO_MAX_REPLY_BYTES: 'pass maxReplyBytes to runService, or to createRegistryChannel',
  RONDO_REGISTRY_MAX_CORDONED: 'add ?cordoned=N to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_MAX_INSTANCES: 'add ?instances=N to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_MAX_SERVICES: 'add ?services=N to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_MAX_WATCHES: 'add ?watches=N to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_STORE_CA: 'add ?ca-file=PATH to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_STORE_CERT: 'add ?cert-file=PATH to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_STORE_KEY: 'add ?key-file=PATH to RONDO_REGISTRY_STORE',
  RONDO_REGISTRY_WARMING_MS: 'add ?warming-ms=N to RONDO_REGISTRY_STORE',
  RONDO_TLS_CA: 'put the authorities as ca.crt into the folder RONDO_TLS_DIR',
  RONDO_TLS_CERT: 'put the certificate as tls.crt into the folder RONDO_TLS_DIR',
  RONDO_TLS_KEY: 'put the key as tls.key into the folder RONDO_TLS_DIR',
  RONDO_TLS_MIN_VERSION: 'it is always 1.3',
  RONDO_TRACE_BYTES: 'set RONDO_RECENT_BYTES, which is for spans and log lines together',
};

/** A fault for each removed variable that is set, with what takes its place. */
export function removedIn(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(REMOVED)
    .filter(([name]) => (environment[name]?.trim() ?? '') !== '')
    .map(([name, instead]) => `${name} is not read any more: ${instead}`);
}
