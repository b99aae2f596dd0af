/** The declarations of contracts that are checked, and the lines of their faults. */
import type {
  DescEnum,
  DescExtension,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
  FileRegistry,
} from '@bufbuild/protobuf';

/** Files of contracts, and the registry of these and all others. */
export interface Contracts {
  readonly registry: FileRegistry;
  readonly files: readonly DescFile[];
}

/** The files that one imports, directly and indirectly. */
export const importsOf = (file: DescFile): readonly DescFile[] =>
  file.dependencies.flatMap((one) => [...importsOf(one), one]);

type Declared = DescEnum | DescExtension | DescField | DescMessage | DescMethod | DescService;

/** The line of a declaration, from 1. Undefined for one that the compiler adds, such as the entry of a map. */
export const lineOf = (declared: Declared): number | undefined => linesIn(declared).get(pathOf(declared).join('.'));

/** Messages, each with those in it. */
export function* withNested(messages: readonly DescMessage[]): Generator<DescMessage, void> {
  for (const message of messages) {
    yield message;
    yield* withNested(message.nestedMessages);
  }
}

export const methodsOf = ({ services }: DescFile): readonly DescMethod[] => services.flatMap(({ methods }) => methods);

/** The field numbers of options in declarations. */
const OPTIONS = { enum: 3, extension: 8, field: 8, message: 7, rpc: 4, service: 3 };

/**
 * `proto/greeter/v1/greeter.proto:16: GreeterService.Greet: …`, with the line of the option of the declaration, else of the declaration
 * or of what it is in.
 */
export function faultAt(
  declared: DescField | DescMessage | DescMethod | DescService,
  reason: string,
  option?: { readonly extension: DescExtension | undefined },
): string {
  const lines = linesIn(declared);
  const path = pathOf(declared);
  const ofOption = [...path, OPTIONS[declared.kind], option?.extension?.number].join('.');
  // An option whose fields are set one by one has a line for each. The first is taken.
  const own = [...lines].find(([key]) => `${key}.`.startsWith(`${ofOption}.`));
  const line = own?.[1] ?? lines.get(path.join('.')) ?? lines.get(path.slice(0, 2).join('.'));
  const name = 'file' in declared ? declared.name : `${declared.parent.name}.${declared.name}`;
  return `proto/${fileOf(declared).name}.proto:${line ?? '?'}: ${name}: ${reason}`;
}

const fileOf = (declared: Declared): DescFile =>
  declared.kind === 'field' || declared.kind === 'rpc' ? declared.parent.file : declared.file;

const linesIn = (declared: Declared): ReadonlyMap<string, number> =>
  new Map(
    fileOf(declared).proto.sourceCodeInfo?.location.map(({ path, span }) => [path.join('.'), (span[0] ?? 0) + 1]),
  );

/** The field numbers and indices in `SourceCodeInfo.Location.path` (descriptor.proto) that lead to a declaration. */
function pathOf(declared: Declared): readonly number[] {
  const at = <T>(all: readonly T[], one: T) => all.indexOf(one);
  switch (declared.kind) {
    case 'service':
      return [6, at(declared.file.proto.service, declared.proto)];
    case 'rpc':
      return [...pathOf(declared.parent), 2, at(declared.parent.proto.method, declared.proto)];
    case 'field':
      return [...pathOf(declared.parent), 2, at(declared.parent.proto.field, declared.proto)];
    case 'message':
      if (declared.parent === undefined) return [4, at(declared.file.proto.messageType, declared.proto)];
      return [...pathOf(declared.parent), 3, at(declared.parent.proto.nestedType, declared.proto)];
    case 'enum':
      if (declared.parent === undefined) return [5, at(declared.file.proto.enumType, declared.proto)];
      return [...pathOf(declared.parent), 4, at(declared.parent.proto.enumType, declared.proto)];
    default:
      if (declared.parent === undefined) return [7, at(declared.file.proto.extension, declared.proto)];
      return [...pathOf(declared.parent), 6, at(declared.parent.proto.extension, declared.proto)];
  }
}
