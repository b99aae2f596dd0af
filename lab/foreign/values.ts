import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { randomMessage, seeded } from '../../packages/rondo/test/scaffold/messages.js';

/** Generated code of a message. */
interface Stub {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  fromPartial(message: object): object;
}

interface Definition {
  readonly methods: Readonly<Record<string, { readonly name: string; requestType: Stub; responseType: Stub }>>;
}

/** How many messages of each type are passed. */
const MESSAGES = 20;

/**
 * Passes random messages of the requests and replies of a service's contracts through its generated code, as a handler does
 * that returns its request, and compares the bytes before and after with another implementation.
 *
 * @returns How many messages were passed. Those that differ are named with the bytes of the first.
 */
export async function passValues(root: string, service: string): Promise<{ passed: number; differing: string[] }> {
  const { rondo } = JSON.parse(readFileSync(join(root, 'services', service, 'package.json'), 'utf8'));
  const set = readFileSync(join(root, 'packages/contracts/descriptors.binpb'));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  const differing: string[] = [];
  let passed = 0;
  for (const contract of rondo.contracts as readonly string[]) {
    for (const [type, stub] of await stubsOf(root, { registry, contract })) {
      const random = seeded(passed + 1);
      for (let count = 0; count < MESSAGES; count++, passed++) {
        const bytes = toBinary(type, randomMessage(type, random));
        const after = stub.encode(stub.fromPartial(stub.decode(bytes))).finish();
        if (Buffer.compare(toBinary(type, fromBinary(type, after)), bytes) === 0) continue;
        differing.push(`${type.typeName} ${Buffer.from(bytes).toString('hex')}`);
        break;
      }
    }
  }
  return { passed, differing };
}

async function stubsOf(
  root: string,
  { registry, contract }: { readonly registry: FileRegistry; readonly contract: string },
): Promise<ReadonlyMap<DescMessage, Stub>> {
  const module = join(root, 'packages/contracts/dist', contract.replace(/\.proto$/, '.js'));
  if (!existsSync(module)) throw new Error(`there is no ${module}`);
  const exported: Readonly<Record<string, Definition>> = await import(pathToFileURL(module).href);
  const services = registry.getFile(contract)?.services ?? [];
  const stubs = services.flatMap(({ name, methods }) =>
    methods.flatMap((method) => typesOf(method, exported[`${name}Definition`])),
  );
  return new Map(stubs);
}

function typesOf({ name, input, output }: DescMethod, definition: Definition | undefined) {
  const method = Object.values(definition?.methods ?? {}).find((one) => one.name === name);
  if (method === undefined) throw new Error(`the generated code has no method ${name}`);
  return [[input, method.requestType] as const, [output, method.responseType] as const];
}
