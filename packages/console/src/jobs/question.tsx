import { useState } from 'preact/hooks';
import { Dialog } from '../page/dialog.js';
import { Field } from '../page/form.js';

/** What an operator is asked before it is done. */
export interface Question {
  /** Such as `Retry`. */
  readonly verb: string;
  /** To what it is done. */
  readonly what: string;
  readonly text: string;
  /** What may be said to it. */
  readonly field?: string;
  readonly act: (said: string) => Promise<unknown>;
}

/** The questions about a stored call that has failed or waits. */
export const aboutCall = (what: string, act: (discard: boolean) => Promise<unknown>): readonly Question[] => [
  {
    ...{ verb: 'Retry', what, act: () => act(false) },
    text: 'It is tried now, with as many attempts as a new one.',
  },
  {
    ...{ verb: 'Discard', what, act: () => act(true) },
    text: 'It is removed, and an attempt that runs is cancelled.',
  },
];

interface AskProps {
  readonly questions: readonly Question[];
  readonly onAsk: (question: Question) => void;
}

/** A button for each question. */
export const Ask = ({ questions, onAsk }: AskProps) => (
  <>
    {questions.map((question) => (
      <button key={question.verb} type="button" onClick={() => onAsk(question)}>
        {question.verb}
      </button>
    ))}
  </>
);

/** Asks, and does it. */
export function QuestionDialog({ question, onClose }: { readonly question: Question; readonly onClose: () => void }) {
  const { verb, what, text, field, act } = question;
  const [said, setSaid] = useState('');
  return (
    <Dialog title={`${verb} ${what}?`} action={`${verb} it`} leave="Leave it" onAct={() => act(said)} onClose={onClose}>
      <p>{text}</p>
      {field !== undefined && <Field label={field} value={said} onChange={setSaid} />}
    </Dialog>
  );
}
