import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { implement, type ServiceImplementation } from '../../src/exports/server.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { scriptedWatch } from './scripted-watch.js';

/** A registry whose watch a test scripts. */
export function scriptedRegistry() {
  const { watch, ...script } = scriptedWatch();
  const refuse = () => Promise.reject(new RpcError(Status.UNIMPLEMENTED, 'not part of this test'));
  const service: ServiceImplementation = implement(RegistryServiceDefinition, {
    register: refuse,
    renew: refuse,
    update: refuse,
    deregister: refuse,
    setOperatorState: refuse,
    listOperatorStates: refuse,
    listServices: refuse,
    listInstances: refuse,
    watch: (request, { signal }) => watch(request, { signal, address: '' }),
  });
  return { ...script, service };
}
