import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { groupBy, type Method } from '@rondo/rpc/internal';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { formatTable } from '../terminal/table.js';
import { DESCRIPTORS } from '../workspace/contracts.js';

/** Who may call the methods of one package. */
export interface PackageRules {
  readonly package: string;
  readonly methods: readonly MethodRule[];
}

export interface MethodRule {
  /** `OrderService/PlaceOrder`. */
  readonly method: string;
  /** Missing: no caller. */
  readonly auth?: Method['policy']['auth'];
}

/**
 * The rules of all packages that have some, in the order of their names; those of one package as its contract has them.
 *
 * @param isOwn whether a file is the workspace's own contract: then those alone, also if they have no rule.
 */
export function rulesOf(descriptorSet: Uint8Array, isOwn?: (file: string) => boolean): readonly PackageRules[] {
  const { files } = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const own = [...files].filter(({ proto }) => isOwn?.(proto.name) !== false);
  return [...groupBy(own, ({ proto }) => proto.package)]
    .map(([name, all]) => ({ package: name, methods: all.flatMap(({ services }) => services.flatMap(rulesIn)) }))
    .filter(({ methods }) => methods.some(({ auth }) => isOwn !== undefined || auth !== undefined))
    .sort((one, other) => (one.package < other.package ? -1 : 1));
}

const rulesIn = ({ name, methods }: DescService): readonly MethodRule[] =>
  methods.map((method) => {
    const { auth } = methodOf(toDynamicMethod(method))?.policy ?? {};
    return { method: `${name}/${method.name}`, ...(auth !== undefined && { auth }) };
  });

/** What every caller may call in a workspace while RONDO_AUTH is off; undefined if its contracts restrict no method. */
export function openIn(root: string): string | undefined {
  const packages = rulesOf(readFileSync(path.join(root, DESCRIPTORS))).filter(
    (one) => !one.package.startsWith('rondo.'),
  );
  const open = packages.flatMap((one) =>
    one.methods.filter(({ auth }) => auth !== undefined && auth !== 'public').map(() => one.package),
  );
  if (open.length === 0) return undefined;
  const where = [...new Set(open)].join(', ');
  return `every caller may call ${open.length} methods of ${where} that the contracts restrict (rondo auth matrix lists them)`;
}

/** The files that run a workspace beyond the loopback, each with its RONDO_AUTH. */
export function decisionsIn(root: string): ReadonlyMap<string, 'on' | 'off' | undefined> {
  const overlays = ['development', 'production'].map((name) => `infra/kubernetes/overlays/${name}/kustomization.yaml`);
  const files = ['docker-compose.yml', ...overlays].filter((file) => existsSync(path.join(root, file)));
  return new Map(
    files.map((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      const [, auth] = /^ *(?:- )?RONDO_AUTH(?:=|: *)["']?(on|off)\b/m.exec(text) ?? [];
      return [file, auth === 'on' || auth === 'off' ? auth : undefined];
    }),
  );
}

/** A call must satisfy both columns. */
const HEAD = ['Method', 'Person or program: all of', 'and process: one of'] as const;

/** A table for each package. In Markdown, as the page of the reference has it, or as plain text. */
export function formatRules(packages: readonly PackageRules[], markdown: boolean): string {
  return packages
    .map(({ package: name, methods }) => {
      const rows = methods.map((rule) => cellsOf(rule, markdown));
      if (markdown) return `## ${name}\n\n${markdownTable(rows)}\n`;
      return `${name}\n${formatTable([HEAD, ...rows]).replaceAll(/^(?=.)/gm, '  ')}`;
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

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((head, column) =>
    Math.max(...[head, ...rows.map((cells) => cells[column] ?? '')].map(sizeOf)),
  );
  const line = widths.map((width) => '-'.repeat(width));
  const padded = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  return [HEAD, line, ...rows].map((cells) => `| ${padded(cells).join(' | ')} |`).join('\n');
}

const sizeOf = ({ length }: string): number => length;
