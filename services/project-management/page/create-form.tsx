import { Field, Form } from '@rondo/console/page';
import { useState } from 'preact/hooks';

interface CreateFormProps {
  /** What is created, such as `task`. */
  readonly what: string;
  readonly onCreate: (title: string) => Promise<unknown>;
}

/** Creates what needs only a title. */
export function CreateForm({ what, onCreate }: CreateFormProps) {
  const [title, setTitle] = useState('');
  return (
    <Form action={`Add the ${what}`} onAct={() => onCreate(title).then(() => setTitle(''))}>
      <Field label={`New ${what}`} required={true} maxLength={200} value={title} onChange={setTitle} />
    </Form>
  );
}
