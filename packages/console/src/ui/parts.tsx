import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Connection, ConnectionLine } from '../page/connection-line.js';
import { type Silent, SilentInstances } from './silent.js';
import { wordOf } from './text.js';

/** What a state means for the system. */
export type Tone = 'good' | 'warn' | 'fault' | '';

/** A state in a word. */
export const Badge = ({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

const TONES: Readonly<Record<string, Tone>> = {
  serving: 'good',
  starting: 'warn',
  draining: 'warn',
  cordoned: 'warn',
  lost: 'fault',
  running: 'good',
  parked: 'warn',
  blocked: 'fault',
  succeeded: 'good',
  failed: 'fault',
};

interface StateProps {
  /** A word, or the name of a value such as `JOB_STATE_FAILED`. */
  readonly of: string | undefined;
  readonly undoing?: boolean | undefined;
}

/** The state of an instance, a job or a run. */
export function State({ of, undoing = false }: StateProps) {
  const text = wordOf(of);
  const tone = TONES[text] ?? '';
  return undoing ? <Badge tone={tone || 'warn'}>{text}, undoing</Badge> : <Badge tone={tone}>{text}</Badge>;
}

interface ViewProps {
  readonly title: string;
  /** Where what it shows comes from; missing for a page that says that elsewhere. */
  readonly connection?: Connection;
  readonly silent?: Silent | undefined;
  /** What stands next to the title. */
  readonly head?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page: its title, whether what it shows is current, and which instances don't answer. */
export const View = ({ title, connection, silent, head, children }: ViewProps) => (
  <div class="page">
    <div class="head">
      <h2>{title}</h2>
      {connection && <ConnectionLine connection={connection} />}
      {head}
    </div>
    {children}
    {silent && <SilentInstances silent={silent} />}
  </div>
);

interface SearchProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onEnter: (value: string) => void;
}

/** An input that counts once it is entered: what is typed stays while the page changes. */
export function Search({ label, value, placeholder = '', onEnter }: SearchProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (input.current) input.current.value = value;
  }, [value]);
  return (
    <label>
      {label}{' '}
      <input
        ref={input}
        type="search"
        placeholder={placeholder}
        onChange={({ currentTarget }) => onEnter(currentTarget.value.trim())}
      />
    </label>
  );
}

/** The text of an error. A command in it that prints the log lines of a trace becomes a link to them. */
export function ErrorText({ children = '' }: { readonly children: string | undefined }) {
  const [before, id, after] = children.split(/rondo logs --trace ([\da-f]{32})/);
  return id === undefined ? (
    children
  ) : (
    <>
      {before}
      <a href={`#/logs/?trace=${id}`}>log lines of the trace</a>
      {after}
    </>
  );
}

interface EmptyProps {
  /** What a stream has sent: as long as it is undefined, nothing is known. */
  readonly of?: unknown;
  readonly what: string;
  /** What to do about it. */
  readonly hint?: ComponentChildren;
}

/** What stands in the place of rows. */
export const Empty = (props: EmptyProps) => (
  <p class="empty">
    <strong>{'of' in props && props.of === undefined ? 'Nothing is known yet' : props.what}</strong> {props.hint}
  </p>
);

interface BarProps {
  /** When it begins and how long it is, in the unit of the whole. */
  readonly start: number;
  readonly length: number;
  readonly whole: number;
}

/** A part of a time. */
export const Bar = ({ start, length, whole }: BarProps) => (
  <div style={{ marginInlineStart: `${(start / whole) * 100}%`, width: `${(length / whole) * 100}%` }} />
);

/** What is known of one thing, by name. */
export const Facts = ({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) => (
  <dl class="facts">
    {of.map(([name, value], index) => (
      <div key={index}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

interface TileProps {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly tone?: Tone;
}

/** One figure, with its unit and what it is. */
export const Tile = ({ name, value, note, tone = '' }: TileProps) => (
  <div class="card tile">
    {name}
    <strong class={tone}>{value}</strong>
    <small>{note}</small>
  </div>
);
