import { useState } from 'preact/hooks';
import { Dialog } from '../page/dialog.js';
import { Field, type FieldProps } from '../page/form.js';

/** What an operator may do, and what is said before it is done. */
export interface Change {
  /** Such as `Retry`. */
  readonly verb: string;
  /** What is changed. */
  readonly what: string;
  /** What the dialog and its button say, if not the verb. */
  readonly title?: string;
  readonly action?: string;
  readonly text: string;
  /** What the operator may add. */
  readonly field?: Partial<FieldProps> & { readonly label: string };
  readonly act: (added: string) => Promise<unknown>;
}

/** A button for each change, which asks before it is made. */
export function Changes({ of }: { readonly of: readonly Change[] }) {
  const [chosen, choose] = useState<Change>();
  return (
    <>
      {of.map((change) => (
        <button
          key={change.verb}
          type="button"
          aria-label={`${change.verb} ${change.what}`}
          onClick={() => choose(change)}
        >
          {change.verb}
        </button>
      ))}
      {chosen && <ChangeDialog change={chosen} onClose={() => choose(undefined)} />}
    </>
  );
}

function ChangeDialog({ change, onClose }: { readonly change: Change; readonly onClose: () => void }) {
  const { verb, what, title = `${verb} ${what}?`, action = `${verb} it`, text, field, act } = change;
  const [added, add] = useState(field?.value ?? '');
  return (
    <Dialog {...{ title, action, onClose }} leave="Leave it" onAct={async () => act(added)}>
      <p>{text}</p>
      {field && <Field {...field} value={added} onChange={add} />}
    </Dialog>
  );
}
