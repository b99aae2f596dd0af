import { useState } from 'preact/hooks';
import { Dialog } from '../page/dialog.js';
import { Field } from '../page/form.js';
import { Badge } from '../ui/parts.js';

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

/** How many calls of a method or a group wait, run and have failed, as 64-bit integers are in JSON. */
interface Counts {
  readonly waiting?: string | undefined;
  readonly running?: string | undefined;
  readonly failed?: string | undefined;
}

export const hasFailed = ({ failed = '0' }: Counts) => failed !== '0';

/** Whether stored calls are made: in a word, and how many are in which state as a bar. */
export function Lane({ of, stopped }: { readonly of: Counts; readonly stopped: string }) {
  const { waiting = '0', running = '0', failed = '0' } = of;
  const state = hasFailed(of) ? (
    <Badge tone="fault">{stopped}</Badge>
  ) : waiting !== '0' && running === '0' ? (
    <Badge tone="warn">waiting</Badge>
  ) : (
    <Badge tone="good">{running === '0' ? 'up to date' : 'delivering'}</Badge>
  );
  return (
    <>
      {state}
      <div class="lane">
        <i class="fault" style={{ flexGrow: failed }} />
        <i class="good" style={{ flexGrow: running }} />
        <i class="quiet" style={{ flexGrow: waiting }} />
      </div>
    </>
  );
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
