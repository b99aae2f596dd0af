import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { textOf } from './fault.js';

interface FormProps {
  /** What its button says. */
  readonly action: string;
  /** A fault of it is shown until the next attempt. */
  readonly onAct: () => Promise<unknown>;
  readonly children: ComponentChildren;
  /** Further buttons. */
  readonly buttons?: ComponentChildren;
}

/** A form with one action. */
export function Form({ action, onAct, children, buttons }: FormProps) {
  const [fault, setFault] = useState('');
  const [isBusy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    setFault('');
    try {
      await onAct();
    } catch (cause) {
      setFault(textOf(cause));
    }
    setBusy(false);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void act();
      }}
    >
      {children}
      {fault !== '' && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <p class="row">
        <button type="submit" class="primary" disabled={isBusy}>
          {action}
        </button>
        {buttons}
      </p>
    </form>
  );
}

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The keyboard of a telephone. */
  readonly inputMode?: 'decimal' | 'email' | 'numeric' | 'search';
  readonly required?: boolean;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly placeholder?: string;
}

/** An input with its label. */
export function Field({ label, onChange, ...given }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input {...given} id={id} type="text" onInput={({ currentTarget }) => onChange(currentTarget.value)} />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  /** Each value with its text. */
  readonly options: readonly (readonly [value: string, text: string])[];
  /** Empty if nothing is chosen yet. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A choice that has to be made, with its label. */
export function Choice({ label, options, value, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} required={true} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">Choose …</option>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
