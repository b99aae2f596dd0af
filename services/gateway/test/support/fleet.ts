import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, type RpcServer, serve } from '@rondo/rpc/server';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { indexFiles, readDescriptorFile, serveReflection } from '@rondo/service/built-in';
import type { Catalogue } from '../../src/discovery/catalogue.js';
import { type CatalogueOptions, createCatalogue } from '../../src/discovery/create-catalogue.js';
import type { InstanceSource, ServiceInstance } from '../../src/discovery/instances.js';
import { bytesOf } from './contracts.js';
import { cleanUp } from './listening.js';

/** Channels to one address, as the catalogue needs them. Their time stands still: a busy machine misses no deadline. */
export const connect = (address: string) =>
  createChannel({ resolver: staticResolver([address]), clock: new ManualClock() });

/** Listens with reflection over `files`; without files it has no reflection. */
export function listen(
  files: readonly FileDescriptorProto[],
  at = '127.0.0.1:0',
  middleware: Parameters<typeof createRouter>[0]['middleware'] = [],
): Promise<RpcServer> {
  const index = indexFiles(files.map((file) => readDescriptorFile(bytesOf(file))));
  const services = files.flatMap((file) => file.service.map(({ name }) => `${file.package}.${name}`));
  const reflection = serveReflection({ services: () => services, files: () => index });
  return serve(createRouter({ services: files.length === 0 ? [] : reflection, middleware }), { listen: at });
}

/** A list of instances that a test changes. */
export interface Fleet extends InstanceSource {
  add(instance: Partial<ServiceInstance> & Pick<ServiceInstance, 'instanceId' | 'address' | 'services'>): void;
  remove(instanceId: string): void;
}

function createFleet(): Fleet {
  const listeners = new Set<(instances: readonly ServiceInstance[]) => void>();
  let instances: readonly ServiceInstance[] = [];
  const set = (next: readonly ServiceInstance[]) => {
    instances = next;
    for (const listener of listeners) listener(next);
  };
  return {
    add(instance) {
      const others = instances.filter(({ instanceId }) => instanceId !== instance.instanceId);
      set([...others, { incarnation: 1, fingerprints: {}, ...instance }]);
    },
    remove: (instanceId) => set(instances.filter((instance) => instance.instanceId !== instanceId)),
    follow(listener) {
      listeners.add(listener);
      listener(instances);
      return { close: () => void listeners.delete(listener) };
    },
  };
}

/** A catalogue of a fleet that a test changes, by a clock that stands still. */
export function startCatalogue(options: Partial<Omit<CatalogueOptions, 'clock'>> = {}) {
  const clock = new ManualClock();
  const fleet = createFleet();
  const log = recordingLog();
  const to = ({ address }: ServiceInstance) => connect(address);
  const catalogue = createCatalogue({ instances: fleet, connect: to, clock, random: seededRandom(1), log, ...options });
  cleanUp(() => catalogue.close());
  return { fleet, log, catalogue, clock };
}

/** The address of an instance with reflection over `files`, until the end of the test. */
export async function instanceWith(...files: readonly FileDescriptorProto[]): Promise<string> {
  const server = await listen(files);
  cleanUp(() => server.drain(0));
  return server.address;
}

/** Resolves once `holds` returns true; it looks after each change of the catalogue. */
export function until(catalogue: Pick<Catalogue, 'onChange'>, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = catalogue.onChange(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });
}

/** Fields of each line, which name the process that logs. A second one of the name would hide the first from a parser. */
const OF_EACH_LINE = ['service', 'instance'];

/** Keeps the texts of warnings, with the names of fields that these may not have. */
function recordingLog(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  const warn = (fields: object, text = '') => {
    warnings.push([text, ...OF_EACH_LINE.filter((name) => name in fields)].join(' '));
  };
  return { ...silentLogger, warnings, warn };
}
