import { createFileRegistry, type DescFile, type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { createAuthorize, OPERATIONS } from '@rondo/rpc/internal';
import { createRouter, type Router, type ServiceImplementation } from '@rondo/rpc/server';
import type { ReflectedFile } from '@rondo/schema';
import type { ServiceContext } from '@rondo/service';
import { serveHealth, serveReflection } from '@rondo/service/built-in';
import type { Catalogue, PublicMethod } from '../discovery/catalogue.js';
import { readMethod } from '../discovery/contract.js';
import { indexContracts, type ReflectedContract } from './reflection.js';

/** What the gateway's own services are made from. */
export interface OwnServicesOptions {
  readonly catalogue: Pick<Catalogue, 'services' | 'revision' | 'onChange'> & {
    /** The contracts of the public services that run. */
    contracts(): readonly ReflectedContract[];
  };
  readonly readiness: ServiceContext['readiness'];
  /** A `google.protobuf.FileDescriptorSet` with the contracts of health and reflection. Without it they aren't offered. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Served besides these, if this is the console's port. */
  readonly console?: ServiceImplementation | undefined;
  /** Whether callers have verified principals: then the contracts say who may call. */
  readonly authenticates?: boolean;
}

/** The services that the gateway itself answers: reflection and health of all public services, and the console's. */
export interface OwnServices {
  readonly router: Router;
  /** The method of a gRPC path; undefined if it isn't one of these services. */
  method(path: string): PublicMethod | undefined;
}

const HEALTH = 'grpc.health.v1.Health';
const REFLECTION = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];

/** Creates reflection, so that `grpcurl list` shows everything that is public, and health by service. */
export function createOwnServices(options: OwnServicesOptions): OwnServices {
  const { catalogue, readiness, descriptorSet, clock, log, authenticates = false } = options;
  const more = options.console === undefined ? [] : [options.console];
  const names = more.map(({ definition }) => definition.fullName);
  const own = readOwn(descriptorSet, [HEALTH, ...REFLECTION, OPERATIONS.fullName, ...names]);
  const running = () => catalogue.services.filter(({ instances }) => instances > 0).map(({ name }) => name);
  const health = serveHealth({
    services: () => [...catalogue.services.map(({ name }) => name), HEALTH, ...REFLECTION],
    isServing(service) {
      if (service === '') return readiness.current.phase === 'serving';
      if (service === HEALTH || REFLECTION.includes(service)) return true;
      const found = catalogue.services.find(({ name }) => name === service);
      return found && found.instances > 0;
    },
    subscribe(listener) {
      const stops = [catalogue.onChange(listener), readiness.subscribe(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  });
  const reflection = serveReflection({
    services: () => [...running(), HEALTH, ...names],
    files: createFiles(catalogue, own),
  });
  const router = createRouter({
    services: [health, ...reflection, ...more],
    middleware: authenticates ? [createAuthorize({})] : [],
    clock,
    logger: log,
  });
  return { router, method: (path) => own.methods.get(path) };
}

/** The index of the files of all contracts. It is made at the first question after a change. */
function createFiles(catalogue: OwnServicesOptions['catalogue'], own: Own) {
  let made: { readonly revision: number; readonly index: ReturnType<typeof indexContracts> } | undefined;
  return () => {
    const { revision } = catalogue;
    if (made?.revision !== revision) {
      const offered = catalogue.services.flatMap(({ name, methods }) => [
        name,
        ...methods.map(({ method }) => method.path),
      ]);
      const listed = new Set([...offered, ...own.services, ...own.methods.keys()]);
      const contracts = [...catalogue.contracts(), ...own.contracts];
      made = { revision, index: indexContracts(contracts, (name) => listed.has(name)) };
    }
    return made.index();
  };
}

interface Own {
  readonly services: readonly string[];
  readonly contracts: readonly ReflectedContract[];
  readonly methods: ReadonlyMap<string, PublicMethod>;
}

/** The contracts of the gateway's own services, from the descriptor set of this process. */
function readOwn(descriptorSet: Uint8Array | undefined, services: readonly string[]): Own {
  if (descriptorSet === undefined) return { services, contracts: [], methods: new Map() };
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet);
  const types = createFileRegistry(set);
  const descs = services.map((name) => types.getService(name)).filter((desc) => desc !== undefined);
  const files = new Set(descs.flatMap(({ file }) => withImports(file)).map(({ name }) => `${name}.proto`));
  const contracts = set.file
    .filter(({ name }) => files.has(name))
    .map((proto): ReflectedFile => ({ proto, bytes: toBinary(FileDescriptorProtoSchema, proto) }))
    .map((file) => ({ files: [file] }));
  const methods = descs.flatMap(({ methods: all }) => all.map((desc) => toLocalMethod(desc, types)));
  return { services, contracts, methods: new Map(methods.map((method) => [method.method.path, method])) };
}

const withImports = (file: DescFile): readonly DescFile[] => [file, ...file.dependencies.flatMap(withImports)];

/** There is one version of it: that of this process. */
function toLocalMethod(desc: DescMethod, types: PublicMethod['types']): PublicMethod {
  const { method, int64AsNumber } = readMethod(desc, []);
  return { method, desc, descAt: () => desc, types, int64AsNumber };
}
