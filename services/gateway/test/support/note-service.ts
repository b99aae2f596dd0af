import { create, createFileRegistry, type DescMethod } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt';
import { type MessageType, type Method, methodsOf } from '@rondo/rpc/internal';
import type { Absent, Catalogue, PublicMethod } from '../../src/discovery/catalogue.js';

/** `notes.v1.NoteService`: a method of each kind, from `Note { string text = 1; int64 number = 2; }` to `Note`. */
const SERVICE = 'notes.v1.NoteService';

const KINDS = {
  Put: {},
  Get: { safe: true },
  List: { responses: true },
  Collect: { requests: true },
  Chat: { requests: true, responses: true },
} as const satisfies Record<string, { safe?: boolean; requests?: boolean; responses?: boolean }>;

const NOTE: Partial<DescriptorProto> = {
  name: 'Note',
  field: [
    field('text', 1, FieldDescriptorProto_Type.STRING),
    field('number', 2, FieldDescriptorProto_Type.INT64),
  ] as never,
};

function field(name: string, number: number, type: FieldDescriptorProto_Type) {
  return { name, jsonName: name, number, type, label: FieldDescriptorProto_Label.OPTIONAL };
}

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      create(FileDescriptorProtoSchema, {
        name: 'notes/v1/notes.proto',
        package: 'notes.v1',
        syntax: 'proto3',
        messageType: [NOTE as never],
        service: [
          {
            name: 'NoteService',
            method: Object.entries(KINDS).map(([name, kind]) => ({
              name,
              inputType: '.notes.v1.Note',
              outputType: '.notes.v1.Note',
              clientStreaming: 'requests' in kind,
              serverStreaming: 'responses' in kind,
              ...('safe' in kind && {
                options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS },
              }),
            })),
          },
        ],
      }),
    ],
  }),
);

const service = registry.getService(SERVICE);
const bytes: MessageType<Uint8Array> = {
  encode: (message) => ({ finish: () => message }),
  decode: (message) => message,
  fromPartial: (message) => (message instanceof Uint8Array ? message : new Uint8Array()),
};

/** The service as a client or a server of the runtime takes it. Its messages stay encoded. */
export const NoteServiceDefinition = {
  name: 'NoteService',
  fullName: SERVICE,
  methods: {
    put: define('Put'),
    get: define('Get'),
    list: { ...define('List'), responseStream: true },
    collect: { ...define('Collect'), requestStream: true },
    chat: { ...define('Chat'), requestStream: true, responseStream: true },
  },
} as const;

function define<N extends NoteMethod>(name: N) {
  const streams = { requestStream: false, responseStream: false } as const;
  return { name, requestType: bytes, responseType: bytes, ...streams, options: {} } as const;
}

function publicMethod(method: Method): PublicMethod {
  const desc: DescMethod | undefined = service?.methods.find(({ name }) => name === method.name);
  if (desc === undefined) throw new Error(`no method ${method.name}`);
  return { method, desc, descAt: () => desc, types: registry, int64AsNumber: false };
}

/** The public methods of the service, by path, and what else a path may stand for. */
export const noteMethods: ReadonlyMap<string, PublicMethod | Absent> = new Map<string, PublicMethod | Absent>([
  ...[...methodsOf(NoteServiceDefinition).values()].map((method) => [method.path, publicMethod(method)] as const),
  ['/notes.v1.GoneService/Put', { service: 'notes.v1.GoneService', reason: 'NONE_RUNNING' }],
]);

/** The name of a method. */
export type NoteMethod = keyof typeof KINDS;

/** The path of a method. */
export function pathOf(name: NoteMethod): string {
  return `/${SERVICE}/${name}`;
}

/** A catalogue of the service. It has no routes. */
export const noteCatalogue: Pick<Catalogue, 'method' | 'route'> = {
  method: (path) => noteMethods.get(path) ?? 'unknown',
  route: () => undefined,
};

/** A `Note` with a text, encoded; the text is shorter than 128 bytes. */
export function note(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(text)]), Buffer.from(text)]);
}
