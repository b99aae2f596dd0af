import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { typeName, typesOf } from './code-names.js';
import { linesOf } from './lines.js';

/** What is wrong with generated code, and which declaration it was generated for. */
export interface CodeFault {
  /** The contract, as others import it. */
  readonly file: string;
  readonly line: number | undefined;
  /** `message Map`; undefined where it is the code of no one declaration. */
  readonly declaration: string | undefined;
  /** The compiler's. */
  readonly message: string;
}

const COMPLAINT = /^packages\/contracts\/src\/(.+)\.ts\((\d+),\d+\): error TS\d+: (.*)$/m;
const EXPORT = /^(?:export (?:const|enum|interface|type) |function createBase)(\w+)/;

/**
 * Leads the compiler's first complaint back to the contract.
 *
 * @param output What `tsc --pretty false` printed.
 * @param read The generated code of a contract.
 */
export function firstCodeFault(
  output: string,
  { registry, read }: { readonly registry: FileRegistry; readonly read: (module: string) => string },
): CodeFault | undefined {
  const [, module, line, message] = COMPLAINT.exec(output) ?? [];
  if (module === undefined || line === undefined || message === undefined) return undefined;
  const file = `${module}.proto`;
  const desc = registry.getFile(file);
  const declared = desc === undefined ? undefined : declaredAs(desc, exportAround(read(module), Number(line)));
  return { file, line: declared?.line, declaration: declared?.declaration, message: withoutPaths(message) };
}

/** What stands where the code was tried is gone by the time that anybody reads of it. */
const withoutPaths = (message: string) => message.replace(/import\("[^"]*"\)\./g, '').replace(/\.$/, '');

/** The last thing that is exported at or before a line. */
function exportAround(code: string, line: number): string | undefined {
  const before = code.split('\n').slice(0, line).reverse();
  return before.map((text) => EXPORT.exec(text)?.[1]).find((name) => name !== undefined);
}

function declaredAs(
  desc: DescFile,
  code: string | undefined,
): { readonly line: number | undefined; readonly declaration: string } | undefined {
  const lineOf = linesOf(desc);
  const type = typesOf(desc).find((one) => typeName(one) === code);
  if (type !== undefined) return { line: lineOf(type.proto), declaration: `${type.kind} ${type.name}` };
  const service = desc.services.find(({ name }) => `${name}Definition` === code);
  return service && { line: lineOf(service.proto), declaration: `service ${service.name}` };
}
