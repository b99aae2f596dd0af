import { toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Exposure } from '@rondo/contracts/rondo/options/v1/options';
import { fileOf, get, message } from './files.js';

/** A contract of one service, whose methods have one message as request and reply. */
export interface ContractOptions {
  /** Fully qualified. Its package is the text before the last dot. */
  readonly service: string;
  /** Methods, each with the path of its GET binding, or undefined for none. */
  readonly methods?: Readonly<Record<string, string | undefined>>;
  /** The fields of the message: strings. */
  readonly fields?: readonly string[];
  readonly exposure?: Exposure;
  /** The methods that are internal. */
  readonly inside?: readonly string[];
  /** How many instances a client calls. */
  readonly subsetSize?: number;
  readonly int64AsNumber?: boolean;
  /** A file that it imports. */
  readonly imported?: string;
}

/** A `.proto` file with one service. */
export function contractFile(options: ContractOptions): FileDescriptorProto {
  const { service, methods = { Get: undefined }, fields = ['name'], inside = [], int64AsNumber = false } = options;
  const { exposure = Exposure.EXPOSURE_UNSPECIFIED, subsetSize, imported } = options;
  const specs = Object.entries(methods).map(([name, path]) => {
    const own = inside.includes(name) ? Exposure.EXPOSURE_INTERNAL : Exposure.EXPOSURE_UNSPECIFIED;
    return [name, { input: 'Message', policy: { int64AsNumber, exposure: own }, ...(path && { rule: get(path) }) }];
  });
  return fileOf(service, Object.fromEntries(specs), {
    file: { dependency: imported === undefined ? [] : [imported] },
    messages: [message('Message', Object.fromEntries(fields.map((name) => [name, 'string'])))],
    policy: { exposure, balancing: subsetSize === undefined ? undefined : { subsetSize } },
  });
}

export const bytesOf = (file: FileDescriptorProto): Buffer => Buffer.from(toBinary(FileDescriptorProtoSchema, file));
