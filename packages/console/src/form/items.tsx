import type { ComponentChildren } from 'preact';

interface ItemsProps<T> {
  readonly items: readonly T[];
  readonly onChange: (items: readonly T[]) => void;
  /** A new item. */
  readonly fresh: () => T;
  /** What the buttons say. */
  readonly add: string;
  readonly remove: (index: number) => string;
  /** The inputs of one item; `put` changes it. */
  readonly children: (item: T, index: number, put: (now: T) => void) => ComponentChildren;
}

/** Inputs of any number of items. */
export const Items = <T,>({ items, onChange, fresh, add, remove, children }: ItemsProps<T>) => (
  <>
    {items.map((item, index) => (
      <div key={index} class="row">
        {children(item, index, (now) => onChange(items.with(index, now)))}
        <button type="button" onClick={() => onChange(items.toSpliced(index, 1))}>
          {remove(index)}
        </button>
      </div>
    ))}
    <button type="button" onClick={() => onChange([...items, fresh()])}>
      {add}
    </button>
  </>
);
