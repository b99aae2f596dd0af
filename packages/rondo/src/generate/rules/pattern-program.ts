/** Compiles a pattern with RE2's parser to the program that packages/validation runs. */
import { RE2JS } from '@bufbuild/re2';
import type { Pattern } from '@rondo/validation/strings';

/** The operations of RE2's instructions. */
const ALT = 1;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const RUNE = 8;
const ANY = 10;
const ANY_BUT_NEWLINE = 11;
const LAST = 0x10ffff;
/** No character above has upper and lower case. */
const LAST_CASED = 0x1ffff;

type Program = ConstructorParameters<typeof Pattern>[0];
type Instruction = Program['instructions'][number];
type Inst = ReturnType<ReturnType<typeof RE2JS.compile>['re2']>['prog']['inst'][number];
/** The runes of which a set consists, from and to, by their JSON; each with its position. */
type Sets = Map<string, number>;

/**
 * Compiles a pattern.
 *
 * @param pattern in RE2's syntax.
 * @throws Error if the pattern isn't one, or has what RE2 leaves out: references back, and what looks ahead or behind.
 */
export function compilePattern(pattern: string): Program {
  const { inst, start } = RE2JS.compile(pattern).re2().prog;
  const sets: Sets = new Map();
  const instructions = inst.map((one) => instructionOf(one, sets));
  return { start, instructions, sets: [...sets.keys()].map((key) => JSON.parse(key)) };
}

function instructionOf(inst: Inst, sets: Sets): Instruction {
  const { op, out, arg } = inst;
  if (op >= RUNE) return ['set', out, indexOf(charactersOf(inst), sets)];
  if (op === ALT || op === ALT + 1) return ['alt', out, arg];
  if (op === EMPTY_WIDTH) return ['empty', out, arg];
  if (op === MATCH) return ['match'];
  return op === FAIL ? ['fail'] : ['go', out];
}

function indexOf(set: readonly number[], sets: Sets): number {
  const key = JSON.stringify(set);
  const index = sets.get(key) ?? sets.size;
  sets.set(key, index);
  return index;
}

function charactersOf(inst: Inst): readonly number[] {
  if (inst.op === ANY) return [0, LAST];
  if (inst.op === ANY_BUT_NEWLINE) return [0, 9, 11, LAST];
  if (inst.runes.length > 1) return [...inst.runes];
  // One character; if the pattern ignores case, all that are equal to it.
  const [rune = 0] = inst.runes;
  if (inst.arg === 0) return [rune, rune];
  const equal = equalTo.get(rune) ?? pointsMatching(inst).flatMap((point) => [point, point]);
  equalTo.set(rune, equal);
  return equal;
}

/** The sets of patterns that ignore case, by a character in them. */
const equalTo = new Map<number, readonly number[]>();

function pointsMatching(inst: Inst): readonly number[] {
  const points: number[] = [];
  for (let point = 0; point <= LAST_CASED; point += 1) if (inst.matchRune(point)) points.push(point);
  return points;
}
