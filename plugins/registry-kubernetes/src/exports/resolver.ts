/**
 * The resolver over the EndpointSlices of Kubernetes, for programs that open it by themselves.
 *
 * ```ts
 * import { kubernetesResolver } from '@rondo/registry-kubernetes/resolver';
 * import { createChannel } from '@rondo/rpc/client';
 *
 * const channel = createChannel({ resolver: kubernetesResolver('kubernetes://shop'), healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export { kubernetesResolver } from '../resolver.js';
