import type { Meter } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import { lifeUsed, type MutualTls, methodsOf, openMutualTls, parseSpiffeId, servedByOf } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { formatHostPort, type HostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError } from '../config/variables.js';
import type { App, ServiceContext } from './service.js';
import { StartupError } from './startup-error.js';

/** What {@link openTls} needs besides the configuration. */
interface OpenOptions {
  readonly descriptorSet: Uint8Array | undefined;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/**
 * Reads the certificate of this process, and follows its files. Undefined if TLS is off.
 *
 * @throws ConfigurationError if no file is named; StartupError if one can't be used.
 */
export function openTls(config: SharedConfig, options: OpenOptions): MutualTls | undefined {
  const { tls: mode, tlsDir: folder } = config;
  if (mode !== 'off' && folder === undefined) {
    throw new ConfigurationError([`RONDO_TLS=${mode} needs a certificate: set RONDO_TLS_DIR to its folder`]);
  }
  try {
    const tls = openMutualTls({ mode, folder }, { usage: 'process', ...options });
    tls?.identity.watch();
    return tls;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartupError(`its certificate can't be used: ${reason}`, { cause });
  }
}

/** Reports when the certificate expires, and whether the files hold one that can't be used. */
export function meterTls(meter: Meter, { identity }: MutualTls, wallClock: WallClock): void {
  const expiry = meter.createObservableGauge('rondo.tls.certificate.expiry', {
    unit: 's',
    description:
      'The time until the certificate of the process expires; negative once it has. Set an alert on less than a day.',
  });
  expiry.addCallback((result) => {
    const { validTo, id } = identity.current;
    result.observe((validTo.getTime() - wallClock.now().getTime()) / 1_000, { identity: id.uri });
  });
  const life = meter.createObservableGauge('rondo.tls.certificate.life', {
    unit: '1',
    description: 'The part of its life that the certificate has lived: it is due for renewal from two thirds on.',
  });
  life.addCallback((result) => result.observe(lifeUsed(identity.current, wallClock.now())));
  const refused = meter.createObservableGauge('rondo.tls.certificate.refused', {
    unit: '1',
    description:
      "1 while the files hold a certificate that can't be used, so that the last one stays; else 0. Set an alert on 1.",
  });
  refused.addCallback((result) => result.observe(identity.fault === undefined ? 0 : 1));
}

/** Tells whether a process may serve a service, by what the contracts say. The contracts are read at its first call. */
export function createMayServe(descriptorSet: Uint8Array | undefined): ServiceContext['mayServe'] {
  let servedBy: ReturnType<typeof servedByOf> | undefined;
  return (identity, service) => {
    servedBy ??= servedByOf(descriptorSet);
    const names = servedBy(service);
    const id = parseSpiffeId(identity);
    return names === undefined || (id !== undefined && names.includes(id.name));
  };
}

/**
 * Refuses to check callers on connections that don't prove who they are.
 *
 * @throws ConfigurationError that names the ways out.
 */
export function requireIdentities({ auth, tls }: Pick<SharedConfig, 'auth' | 'tls'>): void {
  if (auth !== 'on' || tls === 'on') return;
  throw new ConfigurationError([
    `RONDO_AUTH=on needs RONDO_TLS=on, and it is ${tls}: a caller without a certificate can't prove who it is; set RONDO_TLS=on with a certificate (RONDO_TLS_DIR), or RONDO_AUTH=off`,
  ]);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;

/**
 * Refuses to listen beyond the loopback interface without TLS, because every machine of the network could then call the process or
 * read its metrics. With TLS the metrics stay plaintext: they are counts and names, and their reader is a Prometheus.
 *
 * @throws ConfigurationError that names the ways out.
 */
export function requireClosed({
  listen,
  metrics,
  tls,
  insecure,
}: Pick<SharedConfig, 'listen' | 'metrics' | 'tls' | 'insecure'>): void {
  if (tls !== 'off' || insecure === '1') return;
  const ports = Object.entries({ RONDO_LISTEN: listen, RONDO_METRICS: metrics });
  const faults = ports.flatMap(([name, port]) => (port === undefined ? [] : faultOfPort(name, port)));
  if (faults.length > 0) throw new ConfigurationError(faults);
}

function faultOfPort(name: string, { host, port }: HostPort): readonly string[] {
  if (LOOPBACK.test(host)) return [];
  return [
    `${name}=${host}:${port} is beyond the loopback, and nothing is encrypted or authenticated: set RONDO_TLS=on with a certificate (RONDO_TLS_DIR), or RONDO_INSECURE=1 if the network is closed otherwise`,
  ];
}

const MAX_NAMED = 3;

/**
 * Refuses to let other machines call methods whose contracts restrict their callers until RONDO_AUTH says whether callers are checked.
 * If they aren't, the log says what is open.
 *
 * @throws ConfigurationError that says what each value means, and names the methods.
 */
export function requireDecision(
  { auth, listen }: Pick<SharedConfig, 'auth' | 'listen'>,
  { services, auth: rules = {}, listeners = [] }: Pick<App, 'services' | 'auth'> & Pick<Part, 'listeners'>,
  log: Pick<Logger, 'warn'>,
): void {
  const reachable = [listen, ...listeners.flatMap(({ at }) => at ?? [])].find(({ host }) => !LOOPBACK.test(host));
  const restricted = services
    .flatMap(({ definition }) => [...methodsOf(definition).values()])
    .filter(({ policy, service }) => (policy.auth ?? rules[service] ?? 'public') !== 'public')
    .map(({ path }) => path.slice(1));
  if (auth === 'on' || reachable === undefined || restricted.length === 0) return;
  const more = restricted.length > MAX_NAMED ? ` and ${restricted.length - MAX_NAMED} more` : '';
  const methods = `${restricted.slice(0, MAX_NAMED).join(', ')}${more}`;
  if (auth === 'off') {
    log.warn({}, `RONDO_AUTH=off: every caller may call methods that the contracts restrict: ${methods}`);
    return;
  }
  throw new ConfigurationError([
    `RONDO_AUTH is not set, and ${formatHostPort(reachable)} is beyond the loopback: set it to on, so that only callers that the contracts allow are served (this needs RONDO_TLS=on), or to off to serve every caller; the contracts restrict ${methods}`,
  ]);
}
