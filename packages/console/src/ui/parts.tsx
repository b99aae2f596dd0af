import type { ComponentChildren } from 'preact';
import { type Connection, ConnectionLine } from '../page/connection-line.js';

/** What a state means for the system. */
export type Tone = 'good' | 'warn' | 'fault' | '';

/** A state in a word. */
export const Badge = ({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

interface HeadProps {
  readonly title: string;
  readonly connection?: Connection;
  readonly children?: ComponentChildren;
}

/** The title of a page, and whether what it shows is current. */
export const Head = ({ title, connection, children }: HeadProps) => (
  <div class="head">
    <h2>{title}</h2>
    {connection && <ConnectionLine connection={connection} />}
    {children}
  </div>
);

interface EmptyProps {
  readonly what: string;
  /** What to do about it. */
  readonly hint?: ComponentChildren;
}

/** What stands in the place of rows. */
export const Empty = ({ what, hint }: EmptyProps) => (
  <p class="empty">
    <strong>{what}</strong> {hint}
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
    {of.map(([name, value]) => (
      <div key={name}>
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
