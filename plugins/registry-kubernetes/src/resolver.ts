import { type Logger, silentLogger } from '@rondo/rpc/call';
import type { Resolver } from '@rondo/rpc/client';
import { backgroundClock, type Clock, createBackoff, type Random, systemClock, systemRandom } from '@rondo/rpc/clock';
import { SlicesApi } from './api.js';
import { openCluster } from './cluster.js';
import { LABELS, SERVES } from './slice.js';
import { SlicesWatch } from './slices-watch.js';
import { parseTarget, type Target } from './target.js';

/** Options of {@link kubernetesResolver}. */
export interface KubernetesResolverOptions {
  /** This process's `region/zone`, for the hints of Kubernetes and for `zone_aware`; by default none. */
  readonly zone?: string | undefined;
  /** Whether the servers have mutual TLS; by default not. */
  readonly secure?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** `process.env` by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 15_000;
/** The region of a cluster whose processes don't name theirs. */
const REGION = 'cluster';
/** What Kubernetes allows after the prefix of a label. */
const MAX_LABEL_LENGTH = 63;

/**
 * A resolver that watches the EndpointSlices of a namespace: the instances of a service are the endpoints of each Service with the
 * label `serves.rondo/NAME`, such as `serves.rondo/calculator.v1.CalculatorService: ""`, or of the Service that `target` names. It
 * needs the rights to `list` and `watch` `endpointslices`.
 *
 * A pod that isn't ready gets no calls; one that ends is draining. Clients go on while the API server is away.
 *
 * @param target `kubernetes://NAMESPACE?KEY=VALUE&…`; without a namespace, the pod's own. The keys are `server`, `token-file` and
 *   `ca-file` for a process outside of the cluster, `port` for the name of the port (`grpc`), and the full names of gRPC services,
 *   with the names of their Services.
 * @throws TypeError if the target is wrong, or if the process runs in no pod and the target doesn't say what a pod would know.
 */
export function kubernetesResolver(target: string, options: KubernetesResolverOptions = {}): Resolver {
  const { zone = '', secure = false, clock = systemClock, random = systemRandom } = options;
  const { logger: log = silentLogger, environment = process.env } = options;
  const parsed = parseTarget(target);
  const cluster = openCluster(parsed, { environment });
  const api = new SlicesApi(cluster);
  const [region = REGION, ownZone = ''] = zone === '' ? [] : zone.split('/');
  const watches = new Set<SlicesWatch>();
  const { namespace, server } = cluster;
  return {
    source: `the EndpointSlices of namespace ${namespace} at ${server.host}`,
    remedy: `give a Service of the namespace the label ${SERVES}NAME, and its pods a readiness probe that passes`,
    resolve(service, listener) {
      const selector = selectorOf(service, parsed);
      if (selector === undefined) {
        listener.onFailure(
          `the name has more than the ${MAX_LABEL_LENGTH} characters of a label: name its Service, ?${service}=NAME`,
        );
        return { close() {} };
      }
      const background = backgroundClock(clock);
      const backoff = createBackoff({ baseMs: RETRY_BASE_MS, maxMs: RETRY_MAX_MS, random, jitter: 'equal' });
      const reading = { port: parsed.port, region, secure, ownZone };
      const watch = new SlicesWatch({ ...reading, api, service, selector, listener, clock: background, backoff, log });
      watches.add(watch);
      void watch.run();
      return {
        close() {
          watch.close();
          watches.delete(watch);
        },
      };
    },
    close() {
      for (const watch of watches) watch.close();
      watches.clear();
    },
  };
}

/** The labels of the slices of a service, or of all services of Rondo; undefined if its name is too long for a label. */
function selectorOf(service: string, { services }: Target): string | undefined {
  if (service === '') return LABELS.instances;
  const name = services.get(service);
  if (name !== undefined) return `kubernetes.io/service-name=${name}`;
  return service.length <= MAX_LABEL_LENGTH ? `${SERVES}${service}` : undefined;
}
