import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  MethodOptionsSchema,
  ServiceOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { HttpRule } from '@rondo/contracts/google/api/http';
import { Exposure, MethodPolicy, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';

/** A contract of one service, `Get`-like methods of one request and one reply type. */
export interface ContractOptions {
  /** Fully qualified. Its package is the text before the last dot. */
  readonly service: string;
  /** Methods, each with the path of its GET binding, or undefined for none. */
  readonly methods?: Readonly<Record<string, string | undefined>>;
  /** The fields of the request: strings. */
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
  const { service, methods = { Get: undefined }, fields = ['name'], imported } = options;
  const dot = service.lastIndexOf('.');
  const scope = service.slice(0, dot);
  return create(FileDescriptorProtoSchema, {
    name: `${service.toLowerCase().replaceAll('.', '/')}.proto`,
    package: scope,
    syntax: 'proto3',
    dependency: imported === undefined ? [] : [imported],
    messageType: [
      {
        name: 'Message',
        field: fields.map((name, index) => ({
          name,
          jsonName: name,
          number: index + 1,
          type: Type.STRING,
          label: Label.OPTIONAL,
        })),
      },
    ],
    service: [
      {
        name: service.slice(dot + 1),
        options: serviceOptions(options),
        method: Object.entries(methods).map(([name, path]) => ({
          name,
          inputType: `.${scope}.Message`,
          outputType: `.${scope}.Message`,
          options: methodOptions(path, options, name),
        })),
      },
    ],
  });
}

export const bytesOf = (file: FileDescriptorProto): Buffer => Buffer.from(toBinary(FileDescriptorProtoSchema, file));

function serviceOptions({ exposure = Exposure.EXPOSURE_UNSPECIFIED, subsetSize }: ContractOptions) {
  const options = create(ServiceOptionsSchema);
  const policy = ServicePolicy.fromPartial({
    exposure,
    balancing: subsetSize === undefined ? undefined : { subsetSize },
  });
  options.$unknown = [custom(50551, ServicePolicy.encode(policy).finish())];
  return options;
}

function methodOptions(
  path: string | undefined,
  { int64AsNumber = false, inside = [] }: ContractOptions,
  name: string,
) {
  const options = create(MethodOptionsSchema);
  options.$unknown = [];
  const exposure = inside.includes(name) ? Exposure.EXPOSURE_INTERNAL : Exposure.EXPOSURE_UNSPECIFIED;
  if (int64AsNumber || inside.includes(name)) {
    const policy = MethodPolicy.fromPartial({ int64AsNumber, exposure });
    options.$unknown.push(custom(50550, MethodPolicy.encode(policy).finish()));
  }
  if (path !== undefined) {
    const rule = HttpRule.fromPartial({ pattern: { $case: 'get', value: path } });
    options.$unknown.push(custom(72295728, HttpRule.encode(rule).finish()));
  }
  return options;
}

/** A custom option as protobuf-es keeps one that it doesn't know: its bytes, after their length. */
function custom(no: number, bytes: Uint8Array) {
  return { no, wireType: 2, data: new BinaryWriter().bytes(bytes).finish() };
}
