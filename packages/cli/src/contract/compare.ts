import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import { compareEnums } from './compare-enums.js';
import { compareMessages } from './compare-messages.js';
import { type Difference, type Found, instead, pair, type TypePair } from './difference.js';

/**
 * Compares two versions of a service's contract: its methods, and all messages and enums that both reach.
 *
 * Incompatible is what buf's `WIRE_JSON` rules refuse, in whichever direction, with two exceptions: what only one version
 * has is an addition, as nobody relies on what it doesn't know; and a name that moved to another number is no addition.
 *
 * Source: https://buf.build/docs/breaking/rules/
 */
export function compareContracts(before: DescService, after: DescService): readonly Difference[] {
  const { both, removed, added } = pair(before.methods, after.methods, ({ name }) => name);
  const found = both.map(([one, other]) => compareMethods(one, other));
  return [
    ...found.flatMap(({ differences }) => differences),
    ...added.map(({ name }) => ({ kind: 'added' as const, text: `method ${name}` })),
    ...removed.map(({ name }) => ({ kind: 'removed' as const, text: `method ${name}` })),
    ...compareTypes(found.flatMap(({ types }) => types)),
  ].map(shortener(after));
}

function compareTypes(reached: readonly TypePair[]): readonly Difference[] {
  const differences: Difference[] = [];
  // Grows while it is gone through.
  const pairs = new Map(reached.map((types) => [keyOf(types), types]));
  for (const types of pairs.values()) {
    const found = compareType(types);
    differences.push(...found.differences);
    for (const next of found.types) if (!pairs.has(keyOf(next))) pairs.set(keyOf(next), next);
  }
  return differences;
}

function compareType([before, after]: TypePair): Found {
  if (before.kind === 'message' && after.kind === 'message') return compareMessages(before, after);
  if (before.kind === 'enum' && after.kind === 'enum') return { differences: compareEnums(before, after), types: [] };
  return { differences: [], types: [] };
}

function keyOf([before, after]: TypePair): string {
  return `${before.typeName} ${after.typeName}`;
}

function compareMethods(before: DescMethod, after: DescMethod): Found {
  const name = `method ${after.name}`;
  const [was, is] = [signature(before), signature(after)];
  if (was !== is) return { differences: [instead('incompatible', name, { is, was })], types: [] };
  const types: readonly TypePair[] = [
    [before.input, after.input],
    [before.output, after.output],
  ];
  const levels = { is: Idempotency[after.idempotency], was: Idempotency[before.idempotency] };
  return { differences: levels.is === levels.was ? [] : [instead('incompatible', name, levels)], types };
}

function signature({ methodKind, input, output }: DescMethod): string {
  const request = methodKind === 'client_streaming' || methodKind === 'bidi_streaming' ? 'stream ' : '';
  const reply = methodKind === 'server_streaming' || methodKind === 'bidi_streaming' ? 'stream ' : '';
  return `(${request}${input.typeName}) returns (${reply}${output.typeName})`;
}

/** Leaves out the package that the service is in: what stands beside it goes without saying. */
function shortener({ file }: DescService): (difference: Difference) => Difference {
  const prefix = new RegExp(`(?<![\\w.])${file.proto.package.replaceAll('.', '\\.')}\\.(?=\\w)`, 'g');
  return ({ kind, text }) => ({ kind, text: text.replace(prefix, '') });
}
