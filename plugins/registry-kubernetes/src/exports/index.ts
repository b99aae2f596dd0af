/**
 * Discovery without a registry of Rondo's: on Kubernetes the instances of a service are the endpoints of its Services.
 *
 * ```ts
 * import { kubernetes } from '@rondo/registry-kubernetes';
 * import { runService } from '@rondo/service';
 *
 * await runService({ name: 'shop', port: 50060, createApp: () => ({ services: [] }), plugins: [kubernetes] });
 * ```
 *
 * @packageDocumentation
 */

import type { RegistryPlugin } from '@rondo/registries';

/** Kubernetes as a kind of registry: `RONDO_REGISTRY=kubernetes://NAMESPACE`. It lists the pods by itself. */
export const kubernetes: RegistryPlugin = {
  kind: 'registry',
  package: '@rondo/registry-kubernetes',
  schemes: ['kubernetes'],
  async load() {
    const { kubernetesResolver } = await import('../resolver.js');
    return (url, { tls, ...options }) => ({
      resolver: kubernetesResolver(url, { ...options, secure: tls !== undefined }),
    });
  },
};
