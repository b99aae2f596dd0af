import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { commentOf, exampleOf } from '@rondo/schema/form';
import { useId, useMemo, useState } from 'preact/hooks';
import { BASE, type Entries, recordOf } from '../calls/connect.js';
import { type Contracts, callersOf, EXAMPLE, optionOf } from '../contracts/load.js';
import { Paragraphs } from '../contracts/prose.js';
import { MessageFields } from '../form/fields.js';
import { Items } from '../form/items.js';
import { useFaults } from '../form/use-faults.js';
import { JsonInput } from '../form/value.js';
import { Field } from '../page/form.js';
import { queryNow } from '../page/frame.js';
import { Facts } from '../ui/parts.js';
import { AnswerView } from './answer-view.js';
import { COPIES, type Drafted, pathOf, sendsStream } from './copy.js';
import { useKept } from './kept.js';
import { useCall } from './running.js';

const KINDS: Readonly<Record<DescMethod['methodKind'], string>> = {
  unary: 'one request, one reply',
  server_streaming: 'one request, a stream of replies',
  client_streaming: 'a stream of requests, one reply',
  bidi_streaming: 'a stream of requests, a stream of replies',
};

/** A request in an address, which anyone may have written. */
function sharedIn(text: string): JsonValue | undefined {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LINE = /^\s*([\w.-]+)\s*:(.*)$/;
const linesIn = (text: string) => text.split('\n').filter((line) => line.trim() !== '');

/** The names and values of lines such as `x-user: ada`. */
const entriesIn = (text: string): Entries =>
  linesIn(text).flatMap((line) => {
    const [, name, value = ''] = LINE.exec(line) ?? [];
    return name === undefined ? [] : [[name, value.trim()] as const];
  });

/** What is wrong with the lines, as the browser shows it; empty if nothing is. */
function faultIn(text: string): string {
  const line = linesIn(text).find((one) => !LINE.test(one));
  return line === undefined ? '' : `“${line.trim()}”: write a name of a-z 0-9 _ . -, a colon and a value`;
}

/** One method: what its contract says, a form to call it, and the answer. */
export function MethodPage({ contracts, method }: { readonly contracts: Contracts; readonly method: DescMethod }) {
  const shared = queryNow().get('request') ?? '';
  const example = useMemo(() => sharedIn(shared) ?? exampleOf(method.input, EXAMPLE), [method, shared]);
  const [{ messages, metadata: text, deadline }, keep] = useKept(`${pathOf(method)} ${shared}`, example);
  const { answer, start, cancel } = useCall();
  const metadata = entriesIn(text);
  const timeoutMs = deadline === '' ? undefined : Number(deadline);
  const draft: Drafted = { method, messages, metadata, timeoutMs, origin: BASE.href.replace(/\/$/, '') };
  /** What the contract demands of callers besides who they are. */
  const { auth: _, ...policy } = recordOf(optionOf(contracts, method, 'rondo.options.v1.method'));
  const isRunning = answer !== undefined && !answer.isOver;
  const streams = method.methodKind !== 'unary';

  return (
    <>
      <h2>{method.name}</h2>
      <p class="quiet">{KINDS[method.methodKind]}</p>
      <Paragraphs text={commentOf(method)} />
      <p>{callersOf(contracts, method)}</p>
      {Object.keys(policy).length > 0 && (
        <details>
          <summary>Policy</summary>
          <pre>{JSON.stringify(policy, null, 2)}</pre>
        </details>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start({ path: pathOf(method), streams, messages, metadata, timeoutMs });
        }}
      >
        <Requests
          contracts={contracts}
          method={method}
          messages={messages}
          onChange={(now) => keep({ messages: now })}
        />
        <details>
          <summary>Deadline and metadata</summary>
          <Field
            label="Deadline in milliseconds"
            inputMode="numeric"
            pattern="[1-9]\d*"
            value={deadline}
            onChange={(now) => keep({ deadline: now })}
          />
          <label for="metadata" class="label">
            Metadata <small>name: value, each on a line</small>
          </label>
          <textarea
            id="metadata"
            rows={2}
            value={text}
            onInput={({ currentTarget }) => {
              currentTarget.setCustomValidity(faultIn(currentTarget.value));
              keep({ metadata: currentTarget.value });
            }}
          />
        </details>
        <p class="row">
          <button type="submit" class="primary" disabled={isRunning}>
            Call
          </button>
          <button type="button" disabled={!isRunning} onClick={cancel}>
            Cancel
          </button>
          <button type="button" onClick={() => keep({ messages: [example] })}>
            Example
          </button>
        </p>
      </form>
      <details>
        <summary>Copy the call</summary>
        <Facts of={[...COPIES].map(([name, copyOf]) => [name, <pre class="whole">{copyOf(draft)}</pre>] as const)} />
      </details>
      {answer && <AnswerView answer={answer} registry={contracts.registry} />}
    </>
  );
}

interface RequestsProps {
  readonly contracts: Contracts;
  readonly method: DescMethod;
  readonly messages: readonly JsonValue[];
  readonly onChange: (messages: readonly JsonValue[]) => void;
}

/** The request as a form or as JSON; several of a stream. */
function Requests({ contracts, method, messages, onChange }: RequestsProps) {
  const [isJson, setJson] = useState(false);
  const isStream = sendsStream(method);
  const requestOf = (message: JsonValue, index: number, put: (now: JsonValue) => void) => (
    <section class="item message" aria-label={`${method.input.name} ${index + 1}`}>
      <Request {...{ desc: method.input, contracts, value: message, isJson }} onChange={put} />
    </section>
  );
  return (
    <>
      <fieldset class="row tabs">
        <legend>Request</legend>
        {[false, true].map((json) => (
          <label key={String(json)}>
            <input type="radio" name="as" checked={isJson === json} onChange={() => setJson(json)} />
            {json ? 'JSON' : 'Form'}
          </label>
        ))}
      </fieldset>
      {isStream && (
        <p class="quiet">
          A browser sends the requests of a stream all at once, and reads the replies as they come. To answer a reply
          with a request, use <code>rondo call</code> or <code>grpcurl</code>.
        </p>
      )}
      {isStream ? (
        <Items
          items={messages}
          onChange={onChange}
          fresh={() => messages.at(-1) ?? {}}
          add="Add a message"
          remove={(index) => `Remove message ${index + 1}`}
        >
          {requestOf}
        </Items>
      ) : (
        requestOf(messages[0] ?? {}, 0, (now) => onChange([now]))
      )}
    </>
  );
}

interface RequestProps {
  readonly desc: DescMethod['input'];
  readonly contracts: Contracts;
  readonly value: JsonValue;
  readonly isJson: boolean;
  readonly onChange: (value: JsonValue) => void;
}

function Request({ desc, contracts, value, isJson, onChange }: RequestProps) {
  const id = useId();
  const faults = useFaults(desc, value, contracts.registry);
  const whole = isJson ? faults : faults.filter(({ path }) => path === '');
  return (
    <>
      {isJson ? (
        <div class="field">
          <label for={id}>{desc.name}</label>
          <JsonInput
            id={id}
            value={value}
            onChange={(now) => onChange(now ?? {})}
            describedBy={`${id}w`}
            invalid={whole.length > 0}
            rows={12}
          />
        </div>
      ) : (
        <MessageFields
          desc={desc}
          value={recordOf(value)}
          onChange={onChange}
          path=""
          form={{ faults, Fields: MessageFields }}
        />
      )}
      <div id={`${id}w`} aria-live="polite">
        {whole.map(({ path, text }) => (
          <p key={path + text} class="fault">
            {path} {text}
          </p>
        ))}
      </div>
    </>
  );
}
