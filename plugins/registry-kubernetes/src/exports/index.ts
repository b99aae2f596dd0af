/**
 * Discovery without a registry of Rondo's: on Kubernetes the instances of a service are the endpoints of its Services.
 *
 * ```ts
 * import { kubernetesResolver } from '@rondo/registry-kubernetes';
 * import { createChannel } from '@rondo/rpc/client';
 *
 * const channel = createChannel({ resolver: kubernetesResolver('kubernetes://shop'), healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export { type KubernetesResolverOptions, kubernetesResolver } from '../resolver.js';
