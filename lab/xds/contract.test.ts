import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createFileRegistry, type DescField, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { loadSync } from '@grpc/proto-loader';
import { expect, it } from '@jest/globals';

const root = new URL('../../', import.meta.url);
/** The client's package has the contracts that it was made from. */
const deps = path.join(path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds')), '../../deps');

/** The fields of Envoy's messages, as `number name type`, by the messages' full names. */
function envoyFields(): ReadonlyMap<string, readonly string[]> {
  const files = [
    'envoy/config/cluster/v3/cluster.proto',
    'envoy/config/endpoint/v3/endpoint.proto',
    'envoy/config/listener/v3/listener.proto',
    'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
    'envoy/extensions/transport_sockets/tls/v3/tls.proto',
    'envoy/service/discovery/v3/ads.proto',
  ];
  const includeDirs = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((name) => path.join(deps, name));
  const fields = new Map<string, readonly string[]>();
  const add = (name: string, { field, nestedType }: Described) => {
    fields.set(
      name,
      field.map(({ number, name: own, type, typeName }) => `${number} ${own} ${kindOf(type, typeName)}`),
    );
    for (const nested of nestedType) add(`${name}.${nested.name}`, nested);
  };
  for (const [name, definition] of Object.entries(loadSync(files, { includeDirs, keepCase: true }))) {
    if ('type' in definition && isDescribed(definition.type) && !fields.has(name)) add(name, definition.type);
  }
  return fields;
}

/** What of a `google.protobuf.DescriptorProto` the test reads. */
interface Described {
  readonly name: string;
  readonly field: readonly { name: string; number: number; type: string; typeName: string }[];
  readonly nestedType: readonly Described[];
}

const isDescribed = (type: object): type is Described => 'field' in type && 'nestedType' in type;

/** The type on the wire. Messages of other packages than Envoy's are named. */
function kindOf(type: string | number, typeName: string): string {
  const kind = String(type).replace('TYPE_', '').toLowerCase();
  const name = typeName.replace(/^\./, '');
  return kind === 'message' && name.startsWith('google.') ? name : kind;
}

/** Our messages, with the full name of Envoy's in the comment of each. */
function ourMessages(): readonly { readonly name: string; readonly envoy: string }[] {
  const text = readFileSync(new URL('proto/rondo/xds/v1/xds.proto', root), 'utf8');
  return [...text.matchAll(/^\/\/ `(envoy\.[\w.]+)`[^\n]*\nmessage (\w+) \{/gm)].map(([, envoy = '', name = '']) => {
    return { name, envoy };
  });
}

it('has the numbers and types of the fields of Envoy', () => {
  const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(new URL('packages/contracts/descriptors.binpb', root))),
  );
  const theirs = envoyFields();
  const messages = ourMessages();
  expect(messages.length).toBeGreaterThan(30);
  for (const { name, envoy } of messages) {
    const own = registry.getMessage(`rondo.xds.v1.${name}`);
    expect({ envoy, known: theirs.has(envoy), ours: own !== undefined }).toEqual({ envoy, known: true, ours: true });
    const lacking = (own?.fields ?? []).map(described).filter((field) => !theirs.get(envoy)?.includes(field));
    expect({ envoy, lacking }).toEqual({ envoy, lacking: [] });
  }
});

function described({ number, name, proto: { type, typeName } }: DescField): string {
  return `${number} ${name} ${kindOf(KINDS[type] ?? '', typeName)}`;
}

const KINDS: Readonly<Record<number, string>> = { 9: 'string', 11: 'message', 13: 'uint32', 14: 'enum' };
