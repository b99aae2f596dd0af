/**
 * Regular expressions in linear time, whatever the expression and the text. The generator compiles a pattern with RE2's own
 * parser to the program of a nondeterministic automaton; here the program runs as a deterministic one, whose states are made
 * when a text first needs them.
 * Source: Russ Cox, "Regular Expression Matching in the Wild", https://swtch.com/~rsc/regexp/regexp3.html
 */

/** A compiled pattern. */
export interface Program {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  /** The sets of characters that instructions name by index: the first and last code point of each range. */
  readonly sets: readonly (readonly number[])[];
}

/** `alt`: go on at either; `empty`: go on if the position is as the flags say; `set`: go on after a character of the set. */
export type Instruction =
  | readonly ['alt', number, number]
  | readonly ['empty', number, flags: number]
  | readonly ['set', number, set: number]
  | readonly ['go', number]
  | readonly ['match']
  | readonly ['fail'];

/** What a position is: RE2's flags of empty-width instructions. */
const BEGIN_LINE = 1;
const END_LINE = 2;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const WORD_BOUNDARY = 16;
const NO_WORD_BOUNDARY = 32;

/** The kind of the character before a position. */
type Kind = 'start' | 'newline' | 'word' | 'other';

interface State {
  readonly kind: Kind;
  /** The instructions to go on at. */
  readonly at: readonly number[];
  /** The next states by class of character, and what the end of the text means in `end`. */
  readonly next: (State | typeof MATCHED | undefined)[];
  end: boolean | undefined;
}

const MATCHED = Symbol('matched');
/** With more states than these, all are forgotten: memory has a bound, and time stays linear. */
const MAX_STATES = 1_000;
const ASCII = 128;
const LAST_CODE_POINT = 0x10ffff;
const NEWLINE = 10;
const WORD: readonly number[] = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];

/** A pattern of a contract. It matches a text if it matches anywhere in it, as in RE2. */
export class Pattern {
  readonly #program: Program;
  /** The first code point of each class: characters of one class are the same to the program. */
  readonly #firsts: readonly number[];
  readonly #classOfAscii: Uint16Array;
  #states = new Map<string, State>();
  #start: State;

  constructor(program: Program) {
    this.#program = program;
    this.#firsts = firstsOf([...program.sets, WORD, [NEWLINE, NEWLINE]]);
    this.#classOfAscii = Uint16Array.from({ length: ASCII }, (_, point) => this.#search(point));
    this.#start = this.#state('start', [program.start]);
  }

  /** Whether the pattern matches somewhere in `text`. */
  test(text: string): boolean {
    let state = this.#start;
    for (let index = 0; index < text.length; index++) {
      let point = text.charCodeAt(index);
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(index) ?? point;
        if (point > 0xffff) index++;
      }
      const group = point < ASCII ? (this.#classOfAscii[point] ?? 0) : this.#search(point);
      const next = state.next[group] ?? this.#step(state, group);
      if (next === MATCHED) return true;
      state = next;
    }
    state.end ??= this.#reached(state, 'start', END_LINE | END_TEXT).matched;
    return state.end;
  }

  #step(state: State, group: number): State | typeof MATCHED {
    const point = this.#firsts[group] ?? 0;
    const kind = kindOf(point);
    const { matched, sets } = this.#reached(state, kind, kind === 'newline' ? END_LINE : 0);
    if (matched) {
      state.next[group] = MATCHED;
      return MATCHED;
    }
    const { instructions, sets: known, start } = this.#program;
    const at = new Set([start]);
    for (const position of sets) {
      const instruction = instructions[position];
      if (instruction?.[0] === 'set' && includes(known[instruction[2]] ?? [], point)) at.add(instruction[1]);
    }
    const next = this.#state(
      kind,
      [...at].sort((a, b) => a - b),
    );
    state.next[group] = next;
    return next;
  }

  /** What is reached from a state before a character of the kind `next`: the match, or the instructions for characters. */
  #reached({ kind, at }: State, next: Kind, ending: number): { matched: boolean; sets: readonly number[] } {
    const boundary = (kind === 'word') === (next === 'word') ? NO_WORD_BOUNDARY : WORD_BOUNDARY;
    const begin = kind === 'start' ? BEGIN_LINE | BEGIN_TEXT : kind === 'newline' ? BEGIN_LINE : 0;
    const flags = boundary | begin | ending;
    const seen = new Set(at);
    const sets: number[] = [];
    for (const position of seen) {
      const instruction = this.#program.instructions[position] ?? (['fail'] as const);
      switch (instruction[0]) {
        case 'match':
          return { matched: true, sets };
        case 'set':
          sets.push(position);
          break;
        case 'alt':
          seen.add(instruction[1]).add(instruction[2]);
          break;
        case 'go':
          seen.add(instruction[1]);
          break;
        case 'empty':
          if ((instruction[2] & ~flags) === 0) seen.add(instruction[1]);
          break;
        default:
      }
    }
    return { matched: false, sets };
  }

  #state(kind: Kind, at: readonly number[]): State {
    const key = `${kind} ${at.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= MAX_STATES) {
      this.#states = new Map();
      this.#start = this.#state('start', [this.#program.start]);
    }
    const state: State = { kind, at, next: [], end: undefined };
    this.#states.set(key, state);
    return state;
  }

  /** The class of a code point: the last one that begins at it or before. */
  #search(point: number): number {
    let [low, high] = [0, this.#firsts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firsts[middle] ?? 0) <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstsOf(sets: Program['sets']): readonly number[] {
  const firsts = new Set([0]);
  for (const set of sets) {
    for (const [index, point] of set.entries()) firsts.add(index % 2 === 0 ? point : point + 1);
  }
  return [...firsts].filter((point) => point <= LAST_CODE_POINT).sort((a, b) => a - b);
}

function kindOf(point: number): Kind {
  if (point === NEWLINE) return 'newline';
  return includes(WORD, point) ? 'word' : 'other';
}

function includes(ranges: readonly number[], point: number): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    if (point >= (ranges[index] ?? 0) && point <= (ranges[index + 1] ?? 0)) return true;
  }
  return false;
}
