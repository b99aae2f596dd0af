import {
  type DeregisterRequest,
  type RegisterRequest,
  RegistryServiceDefinition,
  type UpdateRequest,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Handlers, implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';

/** What a fake registry was asked, and how it answers. */
export interface FakeRegistry {
  /** The methods called, with the lease that each named. */
  readonly calls: string[];
  readonly registered: RegisterRequest[];
  readonly updated: UpdateRequest[];
  readonly deregistered: DeregisterRequest[];
  /** Whether it knows a lease; false makes it one that has restarted empty. */
  known: boolean;
  /** What every call fails with. */
  fault: RpcError | undefined;
  /** What `Register` alone fails with. */
  registerFault: RpcError | undefined;
  /** Runs after `Register` was refused or granted. */
  onRegister: () => void;
  /** Whether it answers nothing at all. */
  hangs: boolean;
  grantedTtlMs: number;
}

/** A registry that notes what it is asked, and fails as it is told. */
export function createFakeRegistry(): { readonly fake: FakeRegistry; readonly services: ServiceImplementation[] } {
  const fake: FakeRegistry = {
    calls: [],
    registered: [],
    updated: [],
    deregistered: [],
    known: false,
    fault: undefined,
    registerFault: undefined,
    onRegister: () => undefined,
    hangs: false,
    grantedTtlMs: 9_000,
  };
  const enter = async (name: string, needsLease: boolean) => {
    fake.calls.push(name);
    if (fake.hangs) await new Promise(() => undefined);
    if (fake.fault !== undefined) throw fake.fault;
    if (needsLease && !fake.known) throw new RpcError(Status.NOT_FOUND, 'no such lease');
  };
  const ttl = () => ({ seconds: BigInt(fake.grantedTtlMs / 1000), nanos: 0 });
  const unused = () => Promise.reject(new RpcError(Status.UNIMPLEMENTED, 'not part of this test'));
  const handlers: Handlers<typeof RegistryServiceDefinition> = {
    setOperatorState: () => ({}),
    listOperatorStates: () => ({}),
    async register(request) {
      await enter('register', false);
      const { registerFault } = fake;
      fake.onRegister();
      if (registerFault !== undefined) throw registerFault;
      fake.known = true;
      fake.registered.push(request);
      return { leaseId: `lease-${fake.registered.length}`, ttl: ttl() };
    },
    async renew({ leaseId }) {
      await enter(`renew ${leaseId}`, true);
      return { ttl: ttl() };
    },
    async update(request) {
      await enter(`update ${request.leaseId}`, true);
      fake.updated.push(request);
      return {};
    },
    async deregister(request) {
      await enter(`deregister ${request.leaseId}`, false);
      fake.deregistered.push(request);
      return {};
    },
    listServices: unused,
    listInstances: unused,
    async *watch() {},
  };
  return { fake, services: [implement(RegistryServiceDefinition, handlers)] };
}
