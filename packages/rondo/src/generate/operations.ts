/** Types the methods that start operations: `google.longrunning.operation_info` names the messages of an operation's result and progress. */
import type { DescFile, DescMessage, DescMethod, FileRegistry } from '@bufbuild/protobuf';
// From the sources, as this runs before any build.
import { declaredWorkflow, faultOfWorkflow } from '../../../jobs/src/runs/declared.js';
import { type Contracts, faultAt, importsOf, methodsOf, withNested } from './declarations.js';
import { type Faults, methodPolicy, operationInfo, type ReadMethodPolicy } from './options.js';

const OPERATION = 'google.longrunning.Operation';

type OperationInfo = NonNullable<ReturnType<ReturnType<typeof operationInfo>['of']>>;

/** The faults in `google.longrunning.operation_info` and `(rondo.options.v1.method).workflow` of some files, each with file, line and reason. */
export function checkOperations({ registry, files }: Contracts): readonly string[] {
  const [option, policy] = [operationInfo(registry), methodPolicy(registry)];
  return files.flatMap(methodsOf).flatMap((method) => {
    const info = option.of(method);
    return [
      ...[...inInfo(method, info)].map((fault) => faultAt(method, fault, option)),
      ...[...inWorkflow(method, policy.of(method), info)].map((fault) => faultAt(method, fault, policy)),
    ];
  });
}

function* inInfo(method: DescMethod, info: OperationInfo | undefined): Faults {
  if (info === undefined) return;
  const { responseType, metadataType } = info;
  if (!startsOperation(method))
    yield `operation_info is for a method with one request that returns ${OPERATION}; leave it out`;
  if (responseType === '') yield 'operation_info has no response_type; name the message that the operation ends with';
  for (const [name, type] of Object.entries({ response_type: responseType, metadata_type: metadataType }))
    if (type !== '' && messageNamed(type, method) === undefined)
      yield `operation_info.${name} is "${type}", and no message of the file or its imports has that name; correct it, or import its file`;
}

const startsOperation = ({ output, methodKind }: DescMethod) => output.typeName === OPERATION && methodKind === 'unary';

function* inWorkflow(
  method: DescMethod,
  policy: ReadMethodPolicy | undefined,
  info: OperationInfo | undefined,
): Faults {
  if (policy?.workflow === undefined) return;
  const fault = faultOfWorkflow(declaredWorkflow(policy.workflow), {
    isUnary: method.methodKind === 'unary',
    startsOperation: startsOperation(method) && info !== undefined,
    hasKey: policy.idempotency !== undefined,
    isJob: policy.job !== undefined,
  });
  if (fault !== undefined) yield `workflow${fault}`;
}

/** A message by the name that an option has: fully qualified, or of the same package. */
function messageNamed(name: string, { parent: { file } }: DescMethod): DescMessage | undefined {
  const known = [file, ...importsOf(file)].flatMap(({ messages }) => [...withNested(messages)]);
  const named = (wanted: string) => known.find(({ typeName }) => typeName === wanted);
  return named(`${file.proto.package}.${name}`) ?? named(name.replace(/^\./, ''));
}

/**
 * What generated code has of each method of a file besides what ts-proto writes: its service, and what its operation ends with. `nameOf`
 * is the name of a message in the code of the file.
 */
export function methodCodes(file: DescFile, registry: FileRegistry, nameOf: (message: DescMessage) => string) {
  const option = operationInfo(registry);
  const typesOf = (method: DescMethod) => {
    const { responseType = '', metadataType = '' } = option.of(method) ?? {};
    return Object.entries({ responseType, metadataType }).flatMap(([key, type]) => {
      const message = type === '' ? undefined : messageNamed(type, method);
      return message === undefined ? [] : [`${key}: ${nameOf(message)} as typeof ${nameOf(message)}`];
    });
  };
  return file.services.flatMap(({ name: service, typeName, methods }) =>
    methods.map((method) => {
      const types = typesOf(method).join(', ');
      const operation = types === '' ? '' : `      operation: { ${types} },\n`;
      return { service, method: method.name, code: `      service: "${typeName}",\n${operation}` };
    }),
  );
}

/** Adds the codes of methods to the definitions of a stub. */
export function withMethodCodes(content: string, codes: ReturnType<typeof methodCodes>): string {
  return codes.reduce((text, { service, method, code }) => {
    const named = text.indexOf(`\n      name: "${method}",`, text.indexOf(`export const ${service}Definition = {`));
    const at = text.indexOf('\n      options: {', named) + 1;
    return text.slice(0, at) + code + text.slice(at);
  }, content);
}
