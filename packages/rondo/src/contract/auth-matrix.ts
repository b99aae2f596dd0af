import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { AuthPolicy } from '@rondo/rpc/internal';
import { methodOf, toDynamicMethod } from '@rondo/schema';

/** Who may call the methods of one package. */
export interface PackageRules {
  readonly package: string;
  readonly methods: readonly MethodRule[];
}

/** Who may call one method. */
export interface MethodRule {
  /** `OrderService/PlaceOrder`. */
  readonly method: string;
  /** Missing: no caller. */
  readonly auth?: AuthPolicy;
}

/** The rules of all packages that have some, in the order of their names; those of one package as its contract has them. */
export function rulesOf(descriptorSet: Uint8Array): readonly PackageRules[] {
  const packages = new Map<string, MethodRule[]>();
  for (const { proto, services } of createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet)).files) {
    const rules = packages.get(proto.package) ?? [];
    packages.set(proto.package, rules);
    for (const service of services) {
      for (const method of service.methods) {
        const { auth } = methodOf(toDynamicMethod(method))?.policy ?? {};
        rules.push({ method: `${service.name}/${method.name}`, ...(auth !== undefined && { auth }) });
      }
    }
  }
  return [...packages]
    .map(([name, methods]) => ({ package: name, methods }))
    .filter(({ methods }) => methods.some(({ auth }) => auth !== undefined))
    .sort((one, other) => (one.package < other.package ? -1 : 1));
}

const HEAD = ['Method', 'Person or program', 'Process'] as const;

/** A table for each package. In Markdown, as the page of the reference has it, or as plain text. */
export function formatRules(packages: readonly PackageRules[], markdown: boolean): string {
  return packages
    .map(({ package: name, methods }) => {
      const rows = methods.map((rule) => cellsOf(rule, markdown));
      return markdown ? `## ${name}\n\n${markdownTable(rows)}\n` : `${name}\n${textTable(rows)}`;
    })
    .join('\n');
}

/** What a person or program needs, and which process may call. */
function cellsOf({ method, auth }: MethodRule, markdown: boolean): readonly string[] {
  const mark = (text: string) => (markdown ? `\`${text}\`` : text);
  if (auth === undefined) return [mark(method), 'no caller', 'none'];
  if (auth === 'public') return [mark(method), 'every caller', 'any'];
  const { scopes, callers } = auth;
  const person = scopes.length === 0 ? 'not needed' : scopes.map(mark).join(', ');
  const process = callers.includes('*') ? 'any with a certificate' : callers.map(mark).join(', ');
  return [mark(method), person, process || 'any'];
}

function textTable(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf([HEAD, ...rows]);
  return [HEAD, ...rows].map((cells) => `  ${padded(cells, widths).join('  ').trimEnd()}\n`).join('');
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf([HEAD, ...rows]);
  const line = widths.map((width) => '-'.repeat(width));
  return [HEAD, line, ...rows].map((cells) => `| ${padded(cells, widths).join(' | ')} |`).join('\n');
}

const widthsOf = (rows: readonly (readonly string[])[]): readonly number[] =>
  HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));

const padded = (cells: readonly string[], widths: readonly number[]): readonly string[] =>
  cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
