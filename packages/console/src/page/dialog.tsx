import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Form } from './form.js';

interface DialogProps {
  readonly title: string;
  /** What its first button does. If that succeeds, the dialog closes. */
  readonly action: string;
  readonly onAct: () => Promise<unknown>;
  /** What leaves everything as it is. */
  readonly leave?: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A question about one action. */
export function Dialog({ title, action, onAct, leave = 'Cancel', onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  const cancel = (
    <button type="button" onClick={close}>
      {leave}
    </button>
  );
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <Form action={action} onAct={() => onAct().then(close)} buttons={cancel}>
        {children}
      </Form>
    </dialog>
  );
}

/** A wish of this person for something that another has changed meanwhile. */
export interface ConflictState {
  /** What it is, such as `task`. */
  readonly what: string;
  /** What differs: its name, what the other has made of it, and this person's wish. */
  readonly rows: readonly (readonly [field: string, theirs: string, mine: string])[];
  /** Does it over theirs. */
  readonly keep: () => Promise<void>;
  readonly keepLabel?: string;
  readonly leaveLabel?: string;
}

interface ConflictProps {
  readonly conflict: ConflictState;
  readonly onClose: () => void;
}

/** Lets a person choose between a wish and what another has made of the same thing. */
export function ConflictDialog({ conflict, onClose }: ConflictProps) {
  const { what, rows, keep, keepLabel = 'Keep mine', leaveLabel = 'Take theirs' } = conflict;
  const title = `Someone changed this ${what} a moment ago`;
  return (
    <Dialog title={title} action={keepLabel} leave={leaveLabel} onAct={keep} onClose={onClose}>
      <dl>
        {rows.map(([field, theirs, mine]) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>theirs: {theirs}</dd>
            <dd>yours: {mine}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
